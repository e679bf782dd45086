#include "daemon/shut_valves.hpp"

#include <algorithm>
#include <cstddef>

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

/// A chip that is not named may be any.
bool same_valve(const TapConfig& one, const TapConfig& other) {
  if (one.simulated || other.simulated)
    return one.simulated == other.simulated && one.id == other.id;
  const LineConfig& a = one.valve_line;
  const LineConfig& b = other.valve_line;
  return a.name == b.name && (a.chip.empty() || b.chip.empty() || a.chip == b.chip);
}

}  // namespace

std::vector<TapConfig> valves_to_shut(const std::optional<Config>& held,
                                      const std::optional<Config>& next) {
  std::vector<TapConfig> taps;
  if (held) taps = held->taps;
  if (!next) return taps;
  const auto known = taps.size();
  for (const TapConfig& tap : next->taps) {
    const bool again = std::any_of(taps.begin(), taps.begin() + static_cast<std::ptrdiff_t>(known),
                                   [&](const TapConfig& other) { return same_valve(tap, other); });
    if (!again) taps.push_back(tap);
  }
  return taps;
}

ShutReport shut_valves(const std::vector<TapConfig>& taps) {
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
