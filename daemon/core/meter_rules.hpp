// What is known of one tap's meter and line beyond the worth of a pulse: its limits, and how its
// start and end are corrected. Values from the configuration; used by the tap session.
#pragma once

#include <chrono>
#include <cstdint>

#include "storage/model/volume.hpp"

namespace tapd {

/// Zero switches a rule off, everywhere.
struct MeterRules {
  /// The meter's highest frequency with liquid, thousandths of a hertz: what is above it is gas,
  /// and what is far above it noise.
  std::int64_t most_millihertz{0};
  /// The most this tap pours, microlitres per second: liquid half as fast again is gas.
  std::int64_t most_flow{0};
  /// Pulses further apart are below the meter's range: counted, and flagged.
  std::chrono::nanoseconds slowest_pulse{0};
  /// What the turbine counts too much after a shut, as a time: for 4 ml too much at 200 ml/s it is
  /// 20 ms. Found by weighing; no pulse tells a turbine that runs on from one that is driven.
  std::chrono::milliseconds run_on{0};
  /// The valve's own knock may turn the impeller to and fro for so long after a command.
  std::chrono::milliseconds hammer_mask{0};
  /// After a pause of `refill_after`, so much fills the line and is not charged.
  model::Volume refill;
  std::chrono::minutes refill_after{60};
};

}  // namespace tapd
