#include "daemon/config_meter.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "daemon/core/meter_models.hpp"
#include "daemon/core/pour_meter.hpp"
#include "daemon/toml_reader.hpp"

namespace tapd {
namespace {

/// A pulse a litre to a million: everything from a water meter to a micro
/// turbine, in thousandths.
constexpr Bounds plausible_k_factor{1'000, 1'000'000'000};
constexpr Bounds plausible_line_interval{0, 100'000};
constexpr Bounds plausible_frequency{1'000, 10'000'000};
/// Microlitres per second: 1 ul to 1 l.
constexpr Bounds plausible_flow{1, 1'000'000};
constexpr std::int64_t nanoseconds_in_a_thousand_seconds = 1'000'000'000'000;

const MeterModel* read_model(TomlTable& meter) {
  const auto name = meter.text("model");
  if (!name) return nullptr;
  const MeterModel* model = find_meter_model(*name);
  if (model != nullptr) return model;
  std::string known;
  for (const MeterModel& each : meter_models()) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", each.name);
  }
  meter.fault("model", fmt::format("\"{}\" is not known; known are {}; for another meter leave it "
                                   "out and write pulses_per_litre",
                                   *name, known));
  return nullptr;
}

void read_curve(TomlTable& meter, MeterConfig& config) {
  std::vector<CurvePoint> points;
  for (const auto& [millihertz, milli_pulses] : meter.pairs_in_thousandths("curve")) {
    points.push_back({.millihertz = millihertz, .milli_pulses_per_litre = milli_pulses});
  }
  const auto curve = Calibration::from_curve(points);
  if (!curve) return meter.fault("curve", curve.error());
  config.calibration = *curve;
  config.milli_pulses_per_litre = points.back().milli_pulses_per_litre;
}

void read_calibration(TomlTable& meter, const MeterModel* model, MeterConfig& config) {
  const bool curve = meter.has("curve");
  const bool k_factor = meter.has("pulses_per_litre");
  if (curve && k_factor) {
    meter.fault("curve", "stands beside pulses_per_litre: write one of the two");
  } else if (!curve && !k_factor && !meter.has("model")) {
    meter.fault("pulses_per_litre", "is missing: write it, or a curve, or the meter's model");
  }
  const std::int64_t otherwise =
      model == nullptr ? plausible_k_factor.least : model->milli_pulses_per_litre;
  config.milli_pulses_per_litre =
      meter.thousandths("pulses_per_litre", otherwise, plausible_k_factor);
  config.calibration = Calibration::from_milli_pulses_per_litre(config.milli_pulses_per_litre);
  if (curve) read_curve(meter, config);
}

/// The time between pulses at a flow, by the worth of a pulse at the curve's last point.
std::chrono::nanoseconds pulse_interval_at(std::int64_t flow, const Calibration& calibration) {
  return std::chrono::nanoseconds{calibration.nominal() * 1'000'000 / flow};
}

/// What this wiring can tell apart at most: two edges of the shortest interval are a pulse.
std::int64_t most_millihertz_of(std::chrono::microseconds shortest_interval) {
  if (shortest_interval.count() == 0) return plausible_frequency.most;
  return std::min(nanoseconds_in_a_thousand_seconds / (2'000 * shortest_interval.count()),
                  plausible_frequency.most);
}

/// What the tap pours at most must count as beer, whatever else is configured.
void check_fast_beer(TomlTable& meter, const MeterConfig& config) {
  const MeterRules& rules = config.rules;
  if (rules.most_flow == 0) return;
  const std::int64_t ml_per_s = rules.most_flow / 1'000;
  const auto at_most_flow = pulse_interval_at(rules.most_flow, config.calibration);
  // Two edges are a pulse.
  if (at_most_flow < 2 * config.shortest_interval) {
    meter.fault("shortest_interval_us",
                fmt::format("is {}, but at {} ml/s (most_ml_per_s) an edge comes sooner: fast beer "
                            "would not count",
                            config.shortest_interval.count(), ml_per_s));
  }
  const std::int64_t millihertz = nanoseconds_in_a_thousand_seconds / at_most_flow.count();
  if (millihertz / PourMeter::above_range_per_cent * 100 > rules.most_millihertz) {
    meter.fault("max_hz",
                fmt::format("is {}, but at {} ml/s (most_ml_per_s) the meter turns at {} "
                            "Hz: fast beer would be taken for gas",
                            rules.most_millihertz / 1'000, ml_per_s, (millihertz + 500) / 1'000));
  }
}

void read_limits(TomlTable& meter, const MeterModel* model, MeterConfig& config) {
  const MeterModel given = model == nullptr ? MeterModel{} : *model;
  const std::int64_t interval = model == nullptr ? 200 : given.shortest_interval.count();
  config.shortest_interval = std::chrono::microseconds{
      meter.whole("shortest_interval_us", interval, plausible_line_interval)};
  MeterRules& rules = config.rules;
  const std::int64_t fastest = given.most_millihertz != 0
                                   ? given.most_millihertz
                                   : most_millihertz_of(config.shortest_interval);
  rules.most_millihertz = meter.thousandths("max_hz", fastest, plausible_frequency);
  if (rules.most_millihertz > most_millihertz_of(config.shortest_interval)) {
    meter.fault("shortest_interval_us",
                fmt::format("is {}, but at {} Hz an edge comes sooner: real pulses would not count",
                            config.shortest_interval.count(), rules.most_millihertz / 1'000));
  }
  rules.most_flow =
      meter.thousandths("most_ml_per_s", config.calibration.fastest_flow(), plausible_flow);
  check_fast_beer(meter, config);
  const bool by_curve = config.calibration.slowest().count() > 0;
  const std::int64_t least =
      meter.thousandths("least_ml_per_s", by_curve ? 0 : given.least_flow, plausible_flow);
  rules.slowest_pulse =
      least == 0 ? config.calibration.slowest() : pulse_interval_at(least, config.calibration);
  rules.run_on = std::chrono::milliseconds{meter.whole("run_on_ms", 0, {0, 500})};
  rules.hammer_mask = std::chrono::milliseconds{meter.whole("hammer_mask_ms", 50, {0, 500})};
}

}  // namespace

MeterConfig read_meter(TomlTable& meter, TomlTable& tap) {
  MeterConfig config;
  const MeterModel* model = read_model(meter);
  read_calibration(meter, model, config);
  read_limits(meter, model, config);
  config.rules.refill = model::Volume::millilitres(tap.whole("refill_ml", 0, {0, 1'000}));
  config.rules.refill_after = std::chrono::minutes{tap.whole("refill_after_min", 60, {1, 10'080})};
  return config;
}

}  // namespace tapd
