// A clock that stands still until a test moves it on.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "drivers/clock.hpp"
#include "drivers/flow_meter.hpp"

namespace tapd::drivers {

/// Any thread.
class SetClock final : public Clock {
 public:
  explicit SetClock(SinceBoot now = std::chrono::hours{1}) : now_{now.count()} {}
  [[nodiscard]] ClockReading read() const override { return {.since_boot = SinceBoot{now_}}; }
  [[nodiscard]] SinceBoot now() const { return SinceBoot{now_}; }
  void pass(std::chrono::nanoseconds duration) { now_ += duration.count(); }

 private:
  std::atomic<std::int64_t> now_;
};

}  // namespace tapd::drivers
