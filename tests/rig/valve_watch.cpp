// What stands around a valve in the rig: the external one-shot that cuts the coil when its pulses
// stay away, a hand that stops one thread of a process, and a clock for how soon the kernel lets a
// line of a killed process go. Works on gpio-sim's files in sysfs; started by the rig's jobs.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>

#include "drivers/clock.hpp"
#include "tests/support/unique_fd.hpp"

namespace {

using namespace std::chrono_literals;
using tapd::drivers::since_boot_now;
using tapd::test::UniqueFd;

constexpr const char* usage =
    "usage: valve_watch one-shot PULSES_DIR VALVE_DIR HOLD_MS COIL_FILE\n"
    "         writes 1 into COIL_FILE while the valve's line is on and the last edge of the "
    "pulses\n"
    "         is not older than HOLD_MS, 0 otherwise; until it is killed\n"
    "       valve_watch freeze PID MS        stops the first thread of a process for so long\n"
    "       valve_watch kill PID VALVE_DIR   kills it and tells when the line has fallen";
constexpr std::chrono::milliseconds look_period{1};
constexpr std::chrono::seconds fall_patience{5};

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class Line {
 public:
  explicit Line(const std::string& folder)
      : path_{folder + "/value"}, value_{::open(path_.c_str(), O_RDONLY | O_CLOEXEC)} {
    if (!value_.is_open()) fail(path_);
  }
  [[nodiscard]] bool is_on() const {
    char value = 0;
    if (::pread(value_.get(), &value, 1, 0) != 1) fail(path_);
    return value == '1';
  }

 private:
  std::string path_;
  UniqueFd value_;
};

void one_shot(const Line& pulses, const Line& valve, std::chrono::milliseconds hold,
              const std::string& coil_file) {
  const UniqueFd coil{::open(coil_file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
  if (!coil.is_open()) fail(coil_file);
  bool level = pulses.is_on();
  bool seen_edge = false;
  auto last_edge = since_boot_now();
  char last = 0;
  while (true) {
    const auto now = since_boot_now();
    if (pulses.is_on() != level) {
      level = !level;
      last_edge = now;
      seen_edge = true;
    }
    const char state = valve.is_on() && seen_edge && now - last_edge < hold ? '1' : '0';
    if (state != last && ::pwrite(coil.get(), &state, 1, 0) != 1) fail(coil_file);
    last = state;
    tapd::drivers::pause_for(look_period);
  }
}

void freeze(pid_t pid, std::chrono::milliseconds time) {
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) fail("PTRACE_SEIZE");
  if (::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) fail("PTRACE_INTERRUPT");
  int status = 0;
  if (::waitpid(pid, &status, __WALL) != pid) fail("waiting for the thread to stop");
  fmt::print("stopped\n");
  std::fflush(stdout);
  tapd::drivers::pause_for(time);
  if (::ptrace(PTRACE_DETACH, pid, nullptr, nullptr) != 0) fail("PTRACE_DETACH");
}

void kill_and_watch(pid_t pid, const Line& valve) {
  if (!valve.is_on()) throw std::runtime_error("the valve is not open");
  const auto killed = since_boot_now();
  if (::kill(pid, SIGKILL) != 0) fail("kill");
  while (valve.is_on()) {
    if (since_boot_now() - killed > fall_patience) throw std::runtime_error("it stays open");
    ::usleep(20);
  }
  const auto time = since_boot_now() - killed;
  fmt::print("released after {} us\n",
             std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

void run(int argc, char** argv) {
  const std::string verb{argc > 1 ? argv[1] : ""};
  if (verb == "one-shot" && argc == 6) {
    one_shot(Line{argv[2]}, Line{argv[3]}, std::chrono::milliseconds{std::stoi(argv[4])}, argv[5]);
  } else if (verb == "freeze" && argc == 4) {
    freeze(std::stoi(argv[2]), std::chrono::milliseconds{std::stoi(argv[3])});
  } else if (verb == "kill" && argc == 4) {
    kill_and_watch(std::stoi(argv[2]), Line{argv[3]});
  } else {
    throw std::invalid_argument(usage);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "valve_watch: {}\n", error.what());
    return 1;
  }
}
