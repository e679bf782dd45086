// The one place where the program learns what time it is, waits, and gets randomness from.
// Everything else is handed the answer. The functions here are called by the daemon's wiring and by
// the adapters whose stamps come from the kernel; pure logic never calls them. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tapd::drivers {

/// One reading of both clocks.
struct ClockReading {
  std::chrono::nanoseconds since_boot{};  ///< CLOCK_BOOTTIME.
  std::chrono::sys_time<std::chrono::milliseconds> wall{};
  bool wall_trusted{
      false};  ///< The kernel says the clock is synchronised, or is told to be trusted.
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

/// Who vouches for wall time.
enum class WallTrust : std::uint8_t {
  ask_kernel,  ///< adjtimex: trusted once a time service has synchronised the clock in this boot.
  always,      ///< The operator vouches (a board with a good battery clock, a test machine).
};

/// The kernel's clocks. Any thread. Where a seccomp filter forbids adjtimex (ProtectClock=), the
/// mark of systemd-timesyncd decides whether wall time is trusted.
class SystemClock final : public Clock {
 public:
  explicit SystemClock(WallTrust trust = WallTrust::ask_kernel) : trust_(trust) {}
  [[nodiscard]] ClockReading read() const override;

 private:
  WallTrust trust_;
};

/// CLOCK_BOOTTIME alone; cheaper than SystemClock::read.
[[nodiscard]] std::chrono::nanoseconds since_boot_now();

/// CLOCK_MONOTONIC in microseconds, as sd_notify(3) wants it.
[[nodiscard]] std::chrono::microseconds monotonic_now();

/// Turns a kernel stamp of CLOCK_MONOTONIC (line events carry these) into time since boot. The two
/// differ by the time spent suspended, sampled at the call: a Pi does not suspend between an edge
/// and its reading.
[[nodiscard]] std::chrono::nanoseconds since_boot_from_monotonic(std::chrono::nanoseconds stamp);

/// Sleeps for at least `duration`; interrupted sleeps are resumed. Nothing for zero and less.
void pause_for(std::chrono::nanoseconds duration);

/// What a driver needs that has to wait for its chip: handed in, so that tests use virtual time.
struct Pacing {
  std::function<std::chrono::nanoseconds()> now;       ///< Time since boot.
  std::function<void(std::chrono::nanoseconds)> wait;  ///< Returns after at least so long.
};

/// since_boot_now and pause_for.
[[nodiscard]] Pacing system_pacing();

/// The kernel's name of this boot as the service manager tells it (TAPD_BOOT_ID), else
/// /proc/sys/kernel/random/boot_id. Throws std::runtime_error when neither says.
[[nodiscard]] std::string boot_id();

/// 32 small hexadecimal digits, as systemd writes ids (systemd.unit(5), %b), in the kernel's form
/// with dashes; nullopt for anything else.
[[nodiscard]] std::optional<std::string> dashed_boot_id(std::string_view digits);

/// Fills with random bytes from the kernel (getrandom). Throws std::system_error.
void fill_random(unsigned char* bytes, std::size_t size);

}  // namespace tapd::drivers
