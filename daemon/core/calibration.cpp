#include "daemon/core/calibration.hpp"

namespace tapd {
namespace {

using std::chrono::nanoseconds;

constexpr std::int64_t nanoseconds_in_a_thousand_seconds = 1'000'000'000'000;

/// What is wrong with one point by itself; empty: nothing.
std::string fault_of(const CurvePoint& point) {
  if (point.millihertz < Calibration::least_millihertz ||
      point.millihertz > Calibration::most_millihertz) {
    return "its frequency must be 1 to 10000 Hz";
  }
  if (point.milli_pulses_per_litre < Calibration::least_milli_pulses_per_litre ||
      point.milli_pulses_per_litre > Calibration::most_milli_pulses_per_litre) {
    return "it must have 1 to 1000000 pulses per litre";
  }
  return {};
}

}  // namespace

tl::expected<Calibration, std::string> Calibration::from_curve(std::span<const CurvePoint> points) {
  if (points.empty() || points.size() > most_rows) {
    return tl::unexpected("has " + std::to_string(points.size()) + " points, but must have 1 to " +
                          std::to_string(most_rows));
  }
  Calibration curve;
  curve.count_ = points.size();
  for (std::size_t i = 0; i < points.size(); ++i) {
    const CurvePoint& point = points[i];
    std::string fault = fault_of(point);
    if (fault.empty() && i > 0) {
      const CurvePoint& before = points[i - 1];
      // Flow is frequency by pulses per litre; the products are within 10^16.
      const bool more_flow = point.millihertz * before.milli_pulses_per_litre >
                             before.millihertz * point.milli_pulses_per_litre;
      if (point.millihertz <= before.millihertz) {
        fault = "its frequency is not above the one before: write the points from slow to fast";
      } else if (!more_flow) {
        fault = "it means less flow than the one before, at a higher frequency: measure it again";
      }
    }
    if (!fault.empty()) return tl::unexpected("point " + std::to_string(i + 1) + ": " + fault);
    curve.rows_.at(i) = {
        .pulse_interval = nanoseconds{nanoseconds_in_a_thousand_seconds / point.millihertz},
        .nanolitres_per_pulse = nanolitres(point.milli_pulses_per_litre)};
  }
  return curve;
}

std::int64_t Calibration::nanolitres_per_pulse(std::optional<nanoseconds> pulse_interval) const {
  const auto rows = std::span{rows_}.first(count_);
  if (!pulse_interval) {
    return std::min_element(rows.begin(), rows.end(),
                            [](const Row& a, const Row& b) {
                              return a.nanolitres_per_pulse < b.nanolitres_per_pulse;
                            })
        ->nanolitres_per_pulse;
  }
  const auto faster = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    return row.pulse_interval < *pulse_interval;
  });
  if (faster == rows.begin()) return rows.front().nanolitres_per_pulse;
  if (faster == rows.end()) return rows.back().nanolitres_per_pulse;
  const Row& slower = *(faster - 1);
  // At most 10^9 nl by 10^9 ns (1 Hz).
  const std::int64_t step = faster->nanolitres_per_pulse - slower.nanolitres_per_pulse;
  const std::int64_t along = (slower.pulse_interval - *pulse_interval).count();
  const std::int64_t whole = (slower.pulse_interval - faster->pulse_interval).count();
  return slower.nanolitres_per_pulse + step * along / whole;
}

std::int64_t Calibration::fastest_flow() const {
  const Row& fastest = rows_.at(count_ - 1);
  if (fastest.pulse_interval == nanoseconds::zero()) return 0;
  constexpr std::int64_t to_microlitres_per_second = 1'000'000;
  return fastest.nanolitres_per_pulse * to_microlitres_per_second / fastest.pulse_interval.count();
}

std::string Calibration::curve_text() const {
  std::string text;
  for (const Row& row : std::span{rows_}.first(count_)) {
    if (row.pulse_interval == nanoseconds::zero()) return {};
    const std::int64_t millihertz =
        (nanoseconds_in_a_thousand_seconds + row.pulse_interval.count() / 2) /
        row.pulse_interval.count();
    // Three decimals: 1000 + 25 is written "1025" and loses its first digit.
    const std::string decimals = std::to_string(1'000 + millihertz % 1'000).substr(1);
    if (!text.empty()) text += ", ";
    text += std::to_string(millihertz / 1'000) + "." + decimals + " Hz " +
            std::to_string(row.nanolitres_per_pulse) + " nl";
  }
  return text;
}

}  // namespace tapd
