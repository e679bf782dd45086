// The one place where the program learns what time it is. Everything else is handed the answer.
#pragma once

#include <chrono>
#include <string>

namespace tapd::drivers {

/// One reading of both clocks.
struct ClockReading {
  std::chrono::nanoseconds since_boot{};  ///< CLOCK_BOOTTIME.
  std::chrono::sys_time<std::chrono::milliseconds> wall{};
  bool wall_trusted{false};  ///< The kernel says the clock is synchronised, or is told to be trusted.
};

class Clock {
 public:
  Clock() = default;
  virtual ~Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  Clock(Clock&&) = delete;
  Clock& operator=(Clock&&) = delete;

  [[nodiscard]] virtual ClockReading read() const = 0;
};

/// The kernel's clocks. Any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] ClockReading read() const override;
};

/// /proc/sys/kernel/random/boot_id; throws std::runtime_error when the kernel does not say.
[[nodiscard]] std::string boot_id();

/// Fills with random bytes from the kernel (getrandom). Throws std::system_error.
void fill_random(unsigned char* bytes, std::size_t size);

}  // namespace tapd::drivers
