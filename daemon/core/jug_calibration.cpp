#include "daemon/core/jug_calibration.hpp"

#include <algorithm>
#include <cstdlib>

namespace tapd {
namespace {

constexpr std::int64_t thousand = 1'000;

std::string per_cent(std::int64_t thousandths) {
  return std::to_string(thousandths / 10) + "." + std::to_string(std::abs(thousandths) % 10) + " %";
}

/// How far `value` is from `mean`, in thousandths of it, rounded away from zero.
std::int64_t off_by(std::int64_t value, std::int64_t mean) {
  const std::int64_t difference = (value - mean) * thousand;
  return (difference + (difference < 0 ? 1 - mean : mean - 1)) / mean;
}

using Refusal = tl::unexpected<std::string>;

}  // namespace

std::int64_t milli_pulses_per_litre(const JugPour& pour) {
  const std::int64_t measured = pour.measured.in_microlitres();
  if (measured <= 0) return 0;
  // An edge is half a pulse; a litre is a million microlitres.
  constexpr std::int64_t half_milli_in_a_litre = 500'000'000;
  return (pour.edges * half_milli_in_a_litre + measured / 2) / measured;
}

tl::expected<JugCalibration, std::string> calibrate_by_jug(std::span<const JugPour> pours,
                                                           std::int64_t in_force) {
  if (pours.size() < JugCalibration::least_pours) {
    return Refusal{"at least " + std::to_string(JugCalibration::least_pours) +
                   " pours are needed to see how far they agree"};
  }
  JugPour sum;
  for (const JugPour& pour : pours) {
    if (pour.measured < JugCalibration::least_measured) {
      return Refusal{"a pour of " + model::to_text(pour.measured) +
                     " is too small to be read off: pour at least " +
                     model::to_text(JugCalibration::least_measured)};
    }
    if (pour.edges <= 0) {
      return Refusal{"the meter counted nothing during a pour: look at its cable and its pull-up"};
    }
    sum.edges += pour.edges;
    sum.measured = sum.measured + pour.measured;
  }
  JugCalibration result{.milli_pulses_per_litre = milli_pulses_per_litre(sum)};
  for (const JugPour& pour : pours) {
    const auto off = std::abs(off_by(milli_pulses_per_litre(pour), result.milli_pulses_per_litre));
    result.spread = std::max(result.spread, off);
  }
  if (result.spread > JugCalibration::largest_spread) {
    return Refusal{"the pours differ by " + per_cent(result.spread) + " from their mean, and " +
                   per_cent(JugCalibration::largest_spread) +
                   " is the most: pour at the same pace, without foam, and read the jug at eye "
                   "level"};
  }
  result.change = off_by(result.milli_pulses_per_litre, in_force);
  if (std::abs(result.change) > JugCalibration::largest_change) {
    return Refusal{"that is " + per_cent(result.change) + " away from the value in force (" +
                   std::to_string(in_force / thousand) +
                   " pulses per litre): check jug and unit, and that meter.model or "
                   "meter.pulses_per_litre names the meter that is built in"};
  }
  return result;
}

}  // namespace tapd
