#include "drivers/sim/station.hpp"

#include <fmt/format.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "drivers/iso14443.hpp"

namespace tapd::drivers::sim {
namespace {

/// The kernel keeps so many unread line events and then drops the oldest.
constexpr std::size_t most_waiting = 1024;
/// The stream of dice for cards and reader; SimTap counts its own from 0.
constexpr std::uint64_t stream_air = 100;

UniqueFd make_timer() {
  UniqueFd timer{::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)};
  if (timer.get() < 0) {
    throw std::system_error{errno, std::generic_category(), "timerfd_create for a simulated meter"};
  }
  return timer;
}

}  // namespace

Station::Station(StationParts parts, const Clock& clock)
    : parts_{std::move(parts)},
      clock_{clock},
      timer_{make_timer()},
      tap_{parts_.plan, parts_.seed, clock.read().since_boot, parts_.from},
      filter_{parts_.plan.shortest_interval},
      flicker_{.silence_rate = parts_.plan.reader.silence_rate,
               .garble_rate = parts_.plan.reader.garble_rate},
      air_{parts_.seed, stream_air} {
  const std::lock_guard lock{mutex_};
  move_hand();
}

void Station::apply(const CommandAction& action) {
  const std::lock_guard lock{mutex_};
  bring_up_to(clock_.read().since_boot);
  std::visit([this](const auto& what) { carry_out(what); }, action);
  move_hand();
  bring_up_to(tap_.now());
  arm_timer();
}

Truth Station::truth() {
  const std::lock_guard lock{mutex_};
  bring_up_to(clock_.read().since_boot);
  arm_timer();
  return tap_.truth();
}

void Station::command_valve(bool open) {
  const std::lock_guard lock{mutex_};
  bring_up_to(clock_.read().since_boot);
  tap_.command_valve(open);
  bring_up_to(tap_.now());
  arm_timer();
}

MeterReading Station::read(SinceBoot now) {
  const std::lock_guard lock{mutex_};
  bring_up_to(now);
  const auto end = std::upper_bound(waiting_.begin(), waiting_.end(), now,
                                    [](SinceBoot at, const Edge& edge) { return at < edge.stamp; });
  std::for_each(waiting_.begin(), end, [this](const Edge& edge) { filter_.take(edge); });
  waiting_.erase(waiting_.begin(), end);
  read_at_ = now;
  arm_timer();
  return filter_.drain(now);
}

void Station::listen(bool on) {
  const std::lock_guard lock{mutex_};
  bring_up_to(clock_.read().since_boot);
  listening_ = on;
  waiting_.clear();
  arm_timer();
}

Look Station::look() {
  const std::lock_guard lock{mutex_};
  if (reader_ == ReaderCondition::hang) {
    return ReaderTrouble{
        fmt::format("the simulated reader of tap {} does not answer", parts_.number)};
  }
  return look_at_cards();
}

Look Station::look_at_cards() {
  if (cards_.empty()) return NobodyThere{};
  const double luck = air_.share();
  if (luck < flicker_.silence_rate) return NobodyThere{};
  if (luck < flicker_.silence_rate + flicker_.garble_rate) return Garbled{"CRC of the SAK"};
  if (cards_.size() > 1) return SeveralCards{};
  if (reader_ == ReaderCondition::bad_check) return Garbled{"BCC of the UID"};
  if (const auto why = iso14443::refusal_of(cards_[0]))
    return UnusableCard{.uid = cards_[0], .why = *why};
  return CardSeen{cards_[0]};
}

void Station::show(Signal signal) {
  const std::lock_guard lock{mutex_};
  shown_ = signal;
}

Signal Station::shown() const {
  const std::lock_guard lock{mutex_};
  return shown_;
}

void Station::carry_out(const LayCard& lay) {
  cards_ = {lay.uid};
}
void Station::carry_out(const LiftCards& /*lift*/) {
  cards_.clear();
}
void Station::carry_out(const LayTwoCards& lay) {
  cards_ = {lay.first, lay.second};
}
void Station::carry_out(const PullHandle& pull) {
  told_ml_per_s_ = pull.ml_per_s;
}
void Station::carry_out(const PullWithCard& /*pull*/) {
  told_ml_per_s_.reset();
}
void Station::carry_out(const ConnectKeg& keg) {
  tap_.connect_keg(keg.ml);
}
void Station::carry_out(const Foam& foam) {
  tap_.set_foam(foam.on);
}
void Station::carry_out(const Leak& leak) {
  tap_.set_leak(leak.ml_per_s);
}
void Station::carry_out(ValveCondition condition) {
  tap_.set_valve(condition);
}
void Station::carry_out(const Flicker& flicker) {
  flicker_ = flicker;
}
void Station::carry_out(const MeterCondition& condition) {
  tap_.set_meter(condition);
}
void Station::carry_out(ReaderCondition condition) {
  reader_ = condition;
}

/// Lets the tap live until `now` (not at all when it is there already) and keeps the truth.
void Station::bring_up_to(SinceBoot now) {
  tap_.advance_to(now, waiting_);
  if (!listening_) waiting_.clear();
  if (waiting_.size() > most_waiting) {
    const auto dropped = static_cast<std::ptrdiff_t>(waiting_.size() - most_waiting);
    waiting_.erase(waiting_.begin(), waiting_.begin() + dropped);
  }
  if (parts_.truth_file) parts_.truth_file->write(parts_.place, tap_.truth());
}

void Station::move_hand() {
  const bool pulls = parts_.plan.pulls_with_card && cards_.size() == 1;
  const double by_itself = pulls ? static_cast<double>(parts_.plan.handle_ml_per_s) : 0;
  tap_.pull(told_ml_per_s_.value_or(by_itself));
}

void Station::arm_timer() {
  SinceBoot at = never;
  if (!listening_) {
    // Stays `never`.
  } else if (!waiting_.empty()) {
    at = waiting_.front().stamp;
  } else if (const auto next = tap_.next_edge()) {
    at = *next;
  }
  itimerspec when{};  // Zero: disarmed.
  if (at != never) {
    if (read_at_) at = std::max(at, *read_at_ + parts_.wake_grain);
    at = std::max(at, SinceBoot{1});
    const auto whole = std::chrono::floor<std::chrono::seconds>(at);
    when.it_value.tv_sec = whole.count();
    when.it_value.tv_nsec = static_cast<long>((at - whole).count());
  }
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace tapd::drivers::sim
