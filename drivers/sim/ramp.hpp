// Quantities that change at a steady pace: the physics of the simulated bar is pieced together from
// them, so that volumes, turns of the impeller and the moment of each edge follow in closed form,
// whoever asks and how often.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>

#include "drivers/card_reader.hpp"

namespace tapd::drivers::sim {

/// So much now, and so much more every second.
struct Ramp {
  double value{0};
  double per_s{0};
  [[nodiscard]] double at(double seconds) const { return value + per_s * seconds; }
  /// The integral over the first `seconds`.
  [[nodiscard]] double sum(double seconds) const { return (value + per_s * seconds / 2) * seconds; }
  [[nodiscard]] Ramp times(double factor) const { return {value * factor, per_s * factor}; }
};

/// After how many seconds `ramp.sum` reaches `amount`; nullopt: it never does.
[[nodiscard]] inline std::optional<double> seconds_to_sum(const Ramp& ramp, double amount) {
  if (amount <= 0) return 0.0;
  const double inside = ramp.value * ramp.value + 2 * ramp.per_s * amount;
  if (inside < 0) return std::nullopt;
  const double divisor = ramp.value + std::sqrt(inside);  // This form loses no digits.
  if (divisor <= 0) return std::nullopt;
  return 2 * amount / divisor;
}

/// After how many seconds `ramp.at` reaches `value`; nullopt: it is there already, or never is.
[[nodiscard]] inline std::optional<double> seconds_to_value(const Ramp& ramp, double value) {
  if (ramp.per_s == 0) return std::nullopt;
  const double seconds = (value - ramp.value) / ramp.per_s;
  return seconds > 0 ? std::optional{seconds} : std::nullopt;
}

/// Later than anything that happens.
inline constexpr SinceBoot never = SinceBoot::max();

[[nodiscard]] inline double seconds_between(SinceBoot from, SinceBoot to) {
  return std::chrono::duration<double>(to - from).count();
}

/// The first whole nanosecond at which so many seconds have passed since `from`; `never` for times
/// that no clock of ours reaches.
[[nodiscard]] inline SinceBoot after(SinceBoot from, double seconds) {
  constexpr double longest_s = 3e9;  // 95 years
  if (seconds > longest_s) return never;
  return from + SinceBoot{static_cast<std::int64_t>(std::ceil(seconds * 1e9))};
}

}  // namespace tapd::drivers::sim
