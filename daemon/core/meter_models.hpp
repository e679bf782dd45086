// Flow meters by name, with what their makers and those who use them say (hardware notes, section
// 4). Read by the configuration: what a technician writes beside the name wins.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

namespace tapd {

struct MeterModel {
  std::string_view name;
  std::int64_t milli_pulses_per_litre{0};
  std::int64_t most_millihertz{0};  ///< At the top of its range; 0: nobody says.
  std::int64_t least_flow{0};  ///< Bottom of its range, microlitres per second; 0: nobody says.
  std::chrono::microseconds shortest_interval{0};  ///< EdgeFilter's.
};

[[nodiscard]] std::span<const MeterModel> meter_models();
/// Null: no meter is called so.
[[nodiscard]] const MeterModel* find_meter_model(std::string_view name);

}  // namespace tapd
