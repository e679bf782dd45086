#include "daemon/core/meter_models.hpp"

#include <algorithm>
#include <array>

namespace tapd {
namespace {

/// From a data sheet: pulses per litre, and the range in millilitres per minute. The interval is a
/// quarter of the shortest period: half of a pulse or pause.
constexpr MeterModel by_range(std::string_view name, std::int64_t pulses_per_litre,
                              std::int64_t least_ml_per_min, std::int64_t most_ml_per_min) {
  constexpr std::int64_t seconds_per_minute = 60;
  const std::int64_t most_millihertz = pulses_per_litre * most_ml_per_min / seconds_per_minute;
  constexpr std::int64_t quarter_second_in_us_millihertz = 250'000'000;
  return {.name = name,
          .milli_pulses_per_litre = pulses_per_litre * 1'000,
          .most_millihertz = most_millihertz,
          .least_flow = least_ml_per_min * 1'000 / seconds_per_minute,
          .shortest_interval =
              std::chrono::microseconds{quarter_second_in_us_millihertz / most_millihertz}};
}

constexpr std::array models{
    by_range("yf-s201", 450, 1'000, 30'000),
    by_range("fs200a", 450, 500, 25'000),
    by_range("fs100a", 3'900, 150, 2'500),
    by_range("yf-s401", 5'880, 300, 6'000),
    // Between the 5,400 and 6,100 that people found; two kilohertz is its limit.
    MeterModel{.name = "sf800",
               .milli_pulses_per_litre = 5'600'000,
               .most_millihertz = 2'030'000,
               .least_flow = 8'333,
               .shortest_interval = std::chrono::microseconds{200}},
    by_range("ft-330", 2'694, 760, 7'600),
    MeterModel{.name = "vision-2000",
               .milli_pulses_per_litre = 2'200'000,
               .most_millihertz = 0,
               .least_flow = 0,
               .shortest_interval = std::chrono::microseconds{200}},
    by_range("titan-803", 17'000, 50, 500),
    by_range("titan-815", 7'000, 120, 1'500),
    by_range("titan-845", 3'500, 120, 4'500),
    by_range("titan-865", 2'100, 250, 6'500),
    by_range("titan-810", 1'420, 300, 10'000),
    by_range("titan-824", 980, 500, 15'000),
};

}  // namespace

std::span<const MeterModel> meter_models() {
  return models;
}

const MeterModel* find_meter_model(std::string_view name) {
  const auto* const found = std::find_if(
      models.begin(), models.end(), [name](const MeterModel& model) { return model.name == name; });
  return found == models.end() ? nullptr : found;
}

}  // namespace tapd
