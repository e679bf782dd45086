// The part of the configuration that is about a tap's meter: its model, its calibration, its limits
// and corrections. Read by config.cpp with the rest of the tap.
#pragma once

#include <chrono>
#include <cstdint>

#include "daemon/core/calibration.hpp"
#include "daemon/core/meter_rules.hpp"

namespace tapd {

class TomlTable;

struct MeterConfig {
  Calibration calibration;
  std::chrono::microseconds shortest_interval{200};  ///< Shorter edges are bounce.
  MeterRules rules;
  /// Of the fastest row: what a simulated meter gives.
  std::int64_t milli_pulses_per_litre{0};
};

/// `meter` is the [tap.meter] table; of `tap` the keys of the line's refill are read.
[[nodiscard]] MeterConfig read_meter(TomlTable& meter, TomlTable& tap);

}  // namespace tapd
