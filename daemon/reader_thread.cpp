#include "daemon/reader_thread.hpp"

#include <utility>
#include <variant>

namespace tapd {

ReaderThread::ReaderThread(std::unique_ptr<drivers::CardReader> reader,
                           drivers::PresenceRules rules, std::chrono::milliseconds pace,
                           const drivers::Clock& clock, Reports reports)
    : reader_{std::move(reader)},
      presence_{rules},
      pace_{pace},
      clock_{clock},
      reports_{std::move(reports)},
      last_look_{clock.read().since_boot.count()},
      thread_{[this](const std::stop_token& stop) { look_for_ever(stop); }} {}

void ReaderThread::look_for_ever(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any pause;
  while (!stop.stop_requested()) {
    const drivers::Look look = reader_->look(clock_.read().since_boot);
    const auto now = clock_.read().since_boot;
    presence_.nobody_looked(now - std::chrono::nanoseconds{last_look_.exchange(now.count())});
    bool left = false;
    for (drivers::PresenceEvent& event : presence_.on(look, now)) {
      left |= std::holds_alternative<drivers::CardLeft>(event);
      reports_.presence(std::move(event));
    }
    // The valve waits for no bus: the chip is seen to when everything is told.
    if (left) reader_->cycle_field();
    tell_health();
    std::unique_lock lock{mutex};
    pause.wait_for(lock, stop, pace_, [] { return false; });
  }
}

void ReaderThread::tell_health() {
  for (const drivers::ReaderNote& note : reader_->take_notes()) reports_.note(note);
  {
    const std::scoped_lock lock{health_guard_};
    health_ = reader_->health();
    if (std::exchange(has_looked_, true)) return;
  }
  first_look_.notify_all();
}

bool ReaderThread::wait_for_first_look(std::chrono::milliseconds patience) const {
  std::unique_lock lock{health_guard_};
  return first_look_.wait_for(lock, patience, [this] { return has_looked_; });
}

drivers::ReaderHealth ReaderThread::health() const {
  const std::scoped_lock lock{health_guard_};
  return health_;
}

}  // namespace tapd
