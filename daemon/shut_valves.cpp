#include "daemon/shut_valves.hpp"

#include <algorithm>

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

bool same_valve(const TapConfig& one, const TapConfig& other) {
  if (one.simulated != other.simulated) return false;
  return one.simulated ? one.id == other.id : same_line(one.valve_line, other.valve_line);
}

}  // namespace

std::vector<TapConfig> valves_to_shut(const std::optional<Config>& held,
                                      const std::optional<Config>& next) {
  std::vector<TapConfig> taps;
  if (held) taps = held->taps;
  if (!next) return taps;
  for (const TapConfig& tap : next->taps) {
    const bool again = std::any_of(taps.begin(), taps.end(),
                                   [&](const TapConfig& other) { return same_valve(tap, other); });
    if (!again) taps.push_back(tap);
  }
  return taps;
}

ShutReport shut_valves(const std::vector<TapConfig>& taps) {
  return shut_valves(taps, open_gpio_valve);
}

ShutReport shut_valves(const std::vector<TapConfig>& taps, const TakeValve& take) {
  ShutReport report;
  for (const TapConfig& tap : taps) {
    const auto say = [&](const std::string& what) {
      report.lines.push_back(fmt::format("tap {}: {}", tap.id.number(), what));
    };
    if (tap.simulated) {
      say("simulated, there is no valve to shut");
      continue;
    }
    try {
      const auto valve = take(tap);
      if (const auto shut = valve->shut(); !shut) {
        report.all_shut = false;
        say("valve: " + shut.error());
        continue;
      }
      say("shut: valve " + valve->describe());
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
