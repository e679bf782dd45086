#include "drivers/clock.hpp"

#include <sys/random.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace tapd::drivers {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t boot_id_length = 36;

// clock_gettime fails only for a clock the kernel does not know: a broken build, not a condition
// the program could go on with.
nanoseconds read_kernel_clock(clockid_t id) {
  timespec time{};
  if (::clock_gettime(id, &time) != 0) {
    throw std::system_error(errno, std::generic_category(), "clock_gettime");
  }
  return std::chrono::seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

bool kernel_trusts_wall() {
  timex state{};
  const int answer = ::adjtimex(&state);
  if (answer >= 0) return answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  // Forbidden to ask (ProtectClock=): systemd-timesyncd(8) leaves this mark once it has set it.
  return ::access("/run/systemd/timesync/synchronized", F_OK) == 0;
}

}  // namespace

std::optional<std::string> dashed_boot_id(std::string_view digits) {
  constexpr std::size_t length = 32;
  if (digits.size() != length ||
      digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return std::nullopt;
  }
  std::string id;
  for (std::size_t i = 0; i < length; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) id += '-';
    id += digits[i];
  }
  return id;
}

ClockReading SystemClock::read() const {
  const auto wall =
      std::chrono::floor<std::chrono::milliseconds>(read_kernel_clock(CLOCK_REALTIME));
  return {.since_boot = since_boot_now(),
          .wall = std::chrono::sys_time<std::chrono::milliseconds>{wall},
          .wall_trusted = trust_ == WallTrust::always || kernel_trusts_wall()};
}

nanoseconds since_boot_now() {
  return read_kernel_clock(CLOCK_BOOTTIME);
}

nanoseconds since_boot_from_monotonic(nanoseconds stamp) {
  const nanoseconds before = read_kernel_clock(CLOCK_MONOTONIC);
  const nanoseconds boot = read_kernel_clock(CLOCK_BOOTTIME);
  const nanoseconds after = read_kernel_clock(CLOCK_MONOTONIC);
  // Between the two: never suspended, and the stamp is exact however long we were preempted here.
  if (before <= boot && boot <= after) return stamp;
  return stamp + (boot - (before + (after - before) / 2));
}

void pause_for(nanoseconds duration) {
  if (duration <= nanoseconds::zero()) return;
  const auto until = read_kernel_clock(CLOCK_MONOTONIC) + duration;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(until);
  timespec time{};
  time.tv_sec = seconds.count();
  time.tv_nsec = static_cast<long>((until - seconds).count());
  // An absolute deadline: resuming after a signal does not lengthen the sleep.
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

Pacing system_pacing() {
  return {.now = since_boot_now, .wait = pause_for};
}

std::chrono::microseconds monotonic_now() {
  return std::chrono::floor<std::chrono::microseconds>(read_kernel_clock(CLOCK_MONOTONIC));
}

std::string boot_id() {
  // From systemd's specifier %b, where the service sees no such file (ProcSubset=pid).
  if (const char* told = std::getenv("TAPD_BOOT_ID")) {
    if (auto id = dashed_boot_id(told)) return *std::move(id);
    throw std::runtime_error("TAPD_BOOT_ID is not 32 hexadecimal digits: unset it, or give %b");
  }
  constexpr const char* path = "/proc/sys/kernel/random/boot_id";
  std::ifstream file(path);
  std::string id;
  if (!std::getline(file, id) || id.size() != boot_id_length) {
    throw std::runtime_error(std::string(path) +
                             " does not hold a boot id: is /proc mounted and readable?");
  }
  return id;
}

void fill_random(unsigned char* bytes, std::size_t size) {
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = ::getrandom(bytes + filled, size - filled, 0);
    if (got > 0) {
      filled += static_cast<std::size_t>(got);
    } else if (got < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
  }
}

}  // namespace tapd::drivers
