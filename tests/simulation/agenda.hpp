// The simulated time: what happens next, and when. One thread; whatever is due at the same moment
// happens in the order in which it was put down, so a run depends on nothing but its seed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "breach.hpp"

namespace tapd::simulation {

/// Time since the simulation began. Boots come and go within it.
using Time = std::chrono::nanoseconds;

class Agenda {
 public:
  [[nodiscard]] Time now() const { return now_; }

  /// What is put down for the past happens now.
  void at(Time when, std::function<void()> what) {
    entries_.push_back({std::max(when, now_), ++last_, std::move(what)});
    std::push_heap(entries_.begin(), entries_.end(), later);
  }
  void in(Time delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  /// Lets the next thing happen if it is due until then; false: nothing is, and it is `until` now.
  bool step(Time until) {
    if (entries_.empty() || entries_.front().when > until) {
      now_ = std::max(now_, until);
      return false;
    }
    std::pop_heap(entries_.begin(), entries_.end(), later);
    Entry entry = std::move(entries_.back());
    entries_.pop_back();
    at_once_ = entry.when == now_ ? at_once_ + 1 : 0;
    if (at_once_ > most_at_once) throw Breach{"bounds", "so much to do that no time passes"};
    now_ = entry.when;
    entry.what();
    return true;
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  /// More at one moment than a bar can want: something calls itself again and again.
  static constexpr std::size_t most_at_once = 100'000;
  struct Entry {
    Time when{};
    std::uint64_t number{0};
    std::function<void()> what;
  };
  static bool later(const Entry& a, const Entry& b) {
    return std::pair{a.when, a.number} > std::pair{b.when, b.number};
  }

  std::vector<Entry> entries_;  // a heap
  std::uint64_t last_{0};
  std::size_t at_once_{0};
  Time now_{};
};

/// One timer that is set again and again; only its newest time counts. It may go before its time.
class Alarm {
 public:
  Alarm(Agenda& agenda, std::function<void()> ring)
      : agenda_{agenda}, state_{std::make_shared<State>()} {
    state_->ring = std::move(ring);
  }
  ~Alarm() {
    if (state_) state_->number = 0;
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  Alarm(Alarm&&) = default;
  Alarm& operator=(Alarm&&) = delete;

  void set(std::optional<Time> when) {
    if (when) when = std::max(*when, agenda_.now());
    if (when == state_->when) return;
    state_->when = when;
    const std::uint64_t number = state_->number = ++last_;
    if (!when) return;
    agenda_.at(*when, [state = state_, number] {
      if (number != state->number) return;
      state->when.reset();
      state->ring();
    });
  }

 private:
  struct State {
    std::function<void()> ring;
    std::optional<Time> when;
    std::uint64_t number{0};
  };

  Agenda& agenda_;
  std::shared_ptr<State> state_;
  std::uint64_t last_{0};
};

}  // namespace tapd::simulation
