#include "daemon/shut_valves.hpp"

#include <fmt/format.h>

#include "daemon/open_gpio.hpp"
#include "drivers/line_valve.hpp"

namespace tapd {
namespace {

/// request_error names the holder of a taken line like this.
bool held_by_tapd(std::string_view error) {
  return error.find(fmt::format("in use by \"{}\"", drivers::valve_consumer)) !=
         std::string_view::npos;
}

}  // namespace

ShutReport shut_valves(const Config& config) {
  ShutReport report;
  for (const TapConfig& tap : config.taps) {
    const auto say = [&](const std::string& what) {
      report.lines.push_back(fmt::format("tap {}: {}", tap.id.number(), what));
    };
    if (tap.simulated) {
      say("simulated, there is no valve to shut");
      continue;
    }
    try {
      say("shut: valve " + open_gpio_valve(tap)->describe());
    } catch (const std::exception& error) {
      report.all_shut = false;
      report.lines.push_back(error.what());
      if (held_by_tapd(error.what())) {
        report.lines.back() = fmt::format(
            "tap {}: not touched: a living tapd holds {}: stop that first (systemctl "
            "stop tapd)",
            tap.id.number(), drivers::describe(valve_address(tap)));
      }
    }
  }
  return report;
}

}  // namespace tapd
