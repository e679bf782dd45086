// A valve on the emulated Pi, held open by tapd's own driver until somebody kills it: that machine
// has no edges and no reader, so tapd itself cannot be brought to open one there.
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "drivers/gpiod_output.hpp"
#include "drivers/kill_safety.hpp"
#include "drivers/line_valve.hpp"

namespace {

namespace drivers = tapd::drivers;

const char* to_text(drivers::KillOutcome outcome) {
  switch (outcome) {
    case drivers::KillOutcome::released:
      return "released";
    case drivers::KillOutcome::kept:
      return "kept";
    case drivers::KillOutcome::unknown:
      return "unknown";
  }
  return "?";
}

}  // namespace

int main(int argc, char** argv) {
  const std::string first{argc > 1 ? argv[1] : ""};
  if (first == "--safety" && argc == 3) {
    const drivers::KillSafety safety = drivers::kill_safety(argv[2]);
    fmt::print("{}: {}\n", to_text(safety.outcome), safety.what);
    return 0;
  }
  if (argc != 2) {
    fmt::print(stderr,
               "usage: pi_valve LINE: opens the valve on it and holds it open\n"
               "       pi_valve --safety LABEL: what a kill does to that chip's outputs\n");
    return 2;
  }
  try {
    drivers::LineValve valve{std::make_unique<drivers::GpiodOutput>(
        drivers::LineName{.name = first, .chip = {}}, false, drivers::valve_consumer)};
    if (const auto opened = valve.open(); !opened) throw std::runtime_error{opened.error()};
    const drivers::KillSafety pull = drivers::pull_safety(
        first, false,
        drivers::read_pull(drivers::find_line(drivers::LineName{.name = first, .chip = {}})));
    fmt::print("{}: {}\nopen: {}\n", to_text(pull.outcome), pull.what, valve.describe());
    std::fflush(stdout);
    while (true) ::pause();
  } catch (const std::exception& error) {
    fmt::print(stderr, "pi_valve: {}\n", error.what());
    return 1;
  }
}
