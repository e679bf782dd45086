#include "daemon/config_outputs.hpp"

#include <utility>

#include <fmt/format.h>

namespace tapd {
namespace {

/// A one-shot is made for some tens of milliseconds to a second.
constexpr Bounds plausible_keep_alive{2, 200};

/// In the order of drivers::Lamp.
constexpr std::array<std::string_view, drivers::lamp_count> lamp_names{"red", "green", "blue",
                                                                       "buzzer"};

/// A line that there may be.
std::optional<std::string> line_name(TomlTable& table, std::string_view key) {
  auto name = table.text(key);
  if (name && name->empty()) {
    table.fault(key, "is empty: leave the key out where there is no such line");
  }
  return name;
}

}  // namespace

void read_valve(TomlTable& valve, TapConfig& tap) {
  tap.valve_line.name = valve.required_text("line");
  tap.valve_line.chip = valve.text("chip", "");
  tap.valve_line.active_low = valve.choice("active", {"high", "low"}) == 1;
  const auto name = line_name(valve, "keep_alive_line");
  const std::int64_t hz = valve.whole("keep_alive_hz", 0, plausible_keep_alive);
  if (name) {
    tap.keep_alive = KeepAliveConfig{};
    tap.keep_alive->line.name = *name;
    tap.keep_alive->line.chip = tap.valve_line.chip;
    if (hz != 0) tap.keep_alive->hz = hz;
  } else if (hz != 0) {
    valve.fault("keep_alive_hz", "is of no use without keep_alive_line: name the line as well");
  }
}

void read_indicator(TomlTable& indicator, TapConfig& tap) {
  const std::string chip = indicator.text("chip", "");
  const bool active_low = indicator.choice("active", {"high", "low"}) == 1;
  for (std::size_t lamp = 0; lamp < drivers::lamp_count; ++lamp) {
    const auto name = line_name(indicator, lamp_names.at(lamp));
    if (!name) continue;
    tap.lamps.at(lamp) = LineConfig{};
    tap.lamps.at(lamp)->name = *name;
    tap.lamps.at(lamp)->chip = chip;
    tap.lamps.at(lamp)->active_low = active_low;
  }
}

std::vector<LineInUse> lines_of(const TapConfig& tap) {
  std::vector<LineInUse> lines{{"meter", tap.meter_line}, {"valve", tap.valve_line}};
  if (tap.keep_alive) lines.push_back({"keep-alive", tap.keep_alive->line});
  for (std::size_t lamp = 0; lamp < drivers::lamp_count; ++lamp) {
    if (const auto& wired = tap.lamps.at(lamp)) {
      lines.push_back({fmt::format("lamp ({})", lamp_names.at(lamp)), *wired});
    }
  }
  if (!tap.reader.reset_line.empty()) {
    LineConfig reset;
    reset.name = tap.reader.reset_line;
    reset.chip = tap.reader.reset_chip;
    lines.push_back({"reader's reset", std::move(reset)});
  }
  return lines;
}

}  // namespace tapd
