// What a tap drives, as the configuration names it: its valve with the one-shot's pulses, its
// lamps. A part of daemon/config.cpp.
#pragma once

#include "daemon/config.hpp"
#include "daemon/toml_reader.hpp"

namespace tapd {

/// [tap.valve] of a tap with real lines.
void read_valve(TomlTable& valve, TapConfig& tap);
/// [tap.indicator].
void read_indicator(TomlTable& indicator, TapConfig& tap);

}  // namespace tapd
