// The liquid of the rig: makes pulses on a simulated meter line, through the kernel, at a given
// rate; on demand only while a valve line is on, with some more after it falls, as a meter does
// behind a real valve. Prints how many pulses it made, so that a job knows what must be billed.
// Started by the rig's jobs; works on gpio-sim's files in sysfs.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "drivers/clock.hpp"
#include "tests/support/unique_fd.hpp"

namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using tapd::drivers::since_boot_now;
using tapd::test::UniqueFd;

constexpr std::string_view usage =
    "usage: pulse_source --meter DIR --count N --rate HZ [--valve DIR [--tail N] [--patience MS]]\n"
    "  --meter DIR    the meter line's folder in sysfs (.../sim_gpio5)\n"
    "  --count N      pulses until the liquid ends, tail not counted\n"
    "  --rate HZ      pulses per second, at most\n"
    "  --steady 1     keeps the rate over a delay: edges half as far apart until it is made up "
    "for\n"
    "  --bounce N     the contact bounces at every Nth pulse\n"
    "  --valve DIR    only while this line's value is 1; waits for it first\n"
    "  --tail N       pulses after the valve falls (0)\n"
    "  --patience MS  gives up when the valve has not opened by then (60000)\n"
    "Prints 'pulses N tail N', the tail being a part of the pulses.";

// Liquid takes its time to start; and each look wakes an emulator that could have skipped the time.
constexpr std::chrono::milliseconds valve_look_period{5};

struct Arguments {
  std::string meter;
  std::string valve;
  std::int64_t count{0};
  std::int64_t rate{0};
  std::int64_t tail{0};
  std::int64_t patience_ms{60'000};
  std::int64_t bounce_every{0};
  bool steady{false};
};

std::int64_t parse_number(std::string_view word) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size() || number < 0) {
    throw std::invalid_argument(fmt::format("not a count: '{}'", word));
  }
  return number;
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option{argv[i]};
    const std::string_view word{argv[i + 1]};
    if (option == "--meter") {
      arguments.meter = word;
    } else if (option == "--valve") {
      arguments.valve = word;
    } else if (option == "--count") {
      arguments.count = parse_number(word);
    } else if (option == "--rate") {
      arguments.rate = parse_number(word);
    } else if (option == "--tail") {
      arguments.tail = parse_number(word);
    } else if (option == "--steady") {
      arguments.steady = parse_number(word) != 0;
    } else if (option == "--bounce") {
      arguments.bounce_every = parse_number(word);
    } else if (option == "--patience") {
      arguments.patience_ms = parse_number(word);
    } else {
      throw std::invalid_argument(fmt::format("unknown option {}\n{}", option, usage));
    }
  }
  if (argc % 2 == 0 || arguments.meter.empty() || arguments.rate == 0) {
    throw std::invalid_argument(std::string{usage});
  }
  return arguments;
}

UniqueFd open_line_file(const std::string& path, int flags) {
  UniqueFd file{::open(path.c_str(), flags | O_CLOEXEC)};
  if (!file.is_open()) throw std::system_error(errno, std::generic_category(), path);
  return file;
}

// A meter on a line of its own: one pulse is a rising and a falling edge, half a period apart. Like
// a turbine, and unlike a timer, it does not hurry after a delay: two edges are never closer. A
// steady one does, as far as half the distance, so that the rate is the one asked for.
class Meter {
 public:
  explicit Meter(const Arguments& arguments)
      : pull_{open_line_file(arguments.meter + "/pull", O_WRONLY)},
        half_period_{nanoseconds{1s} / (2 * arguments.rate)},
        bounce_every_{arguments.bounce_every},
        steady_{arguments.steady},
        next_{since_boot_now()} {}

  void pulse() {
    set("pull-up");
    if (bounce_every_ > 0 && pulses_ % bounce_every_ == 0) {
      set("pull-down");
      set("pull-up");
    }
    wait();
    set("pull-down");
    wait();
    ++pulses_;
  }
  [[nodiscard]] std::int64_t pulses() const { return pulses_; }

 private:
  void set(std::string_view level) {
    if (::pwrite(pull_.get(), level.data(), level.size(), 0) < 0) {
      throw std::system_error(errno, std::generic_category(), "pulling the meter line");
    }
  }
  void wait() {
    if (!steady_) return tapd::drivers::pause_for(half_period_);
    const nanoseconds now = since_boot_now();
    next_ += half_period_;
    tapd::drivers::pause_for(std::max(next_ - now, half_period_ / 2));
  }

  UniqueFd pull_;
  nanoseconds half_period_;
  std::int64_t bounce_every_;
  bool steady_;
  nanoseconds next_;  // when the next edge is due, of a steady one
  std::int64_t pulses_{0};
};

class Valve {
 public:
  explicit Valve(const std::string& line) : value_{open_line_file(line + "/value", O_RDONLY)} {}

  [[nodiscard]] bool is_open() const {
    char value = 0;
    if (::pread(value_.get(), &value, 1, 0) != 1) {
      throw std::system_error(errno, std::generic_category(), "reading the valve line");
    }
    return value == '1';
  }

 private:
  UniqueFd value_;
};

bool wait_for_open(const Valve& valve, std::chrono::milliseconds patience) {
  const auto deadline = since_boot_now() + patience;
  while (!valve.is_open()) {
    if (since_boot_now() >= deadline) return false;
    tapd::drivers::pause_for(valve_look_period);
  }
  return true;
}

int pour(const Arguments& arguments) {
  std::optional<Valve> valve;
  if (!arguments.valve.empty()) valve.emplace(arguments.valve);
  Meter meter{arguments};
  if (valve && !wait_for_open(*valve, std::chrono::milliseconds{arguments.patience_ms})) {
    fmt::print(stderr, "pulse_source: the valve did not open\n");
    return 1;
  }
  while (meter.pulses() < arguments.count && (!valve || valve->is_open())) meter.pulse();
  const auto before_tail = meter.pulses();
  const bool shut = valve && !valve->is_open();
  while (shut && meter.pulses() < before_tail + arguments.tail) meter.pulse();
  fmt::print("pulses {} tail {}\n", meter.pulses(), meter.pulses() - before_tail);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return pour(parse(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "pulse_source: {}\n", error.what());
    return 1;
  }
}
