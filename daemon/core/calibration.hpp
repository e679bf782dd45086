// From edges to microlitres. One linear factor per meter for now: a calibration is what one pulse
// is worth, in nanolitres, with the version it was stored under.
#pragma once

#include <cstdint>

#include "storage/model/volume.hpp"

namespace tapd {

/// What a pulse is worth. Nanolitres per pulse: 450 pulses per litre are 2,222,222 nl.
struct Calibration {
  std::int64_t id{0};                    ///< Row of `calibrations`; every pour names it.
  std::int64_t nanolitres_per_pulse{0};  ///< 1,000 (a million pulses per litre) to 1,000,000,000.

  /// Thousandths of a pulse per litre (5598.4 per litre is 5'598'400), as a data sheet or a
  /// calibration gives it; rounded to the nearest nanolitre.
  [[nodiscard]] static constexpr Calibration from_milli_pulses_per_litre(std::int64_t milli) {
    constexpr std::int64_t nanolitres_in_a_thousand_litres = 1'000'000'000'000;
    return {.id = 0, .nanolitres_per_pulse = (nanolitres_in_a_thousand_litres + milli / 2) / milli};
  }

  /// The volume of so many edges (two are a pulse), always computed from the total, so that
  /// rounding does not add up over a pour.
  [[nodiscard]] constexpr model::Volume volume_of(std::int64_t edges) const {
    return model::Volume::microlitres(edges * nanolitres_per_pulse / 2000);
  }
};

}  // namespace tapd
