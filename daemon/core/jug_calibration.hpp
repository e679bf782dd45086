// What several pours into a measured jug, or onto a scale, say about a meter: its pulses per litre,
// how far the pours agree, and whether that can be. Pure; integers only, because money hangs on it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "storage/model/volume.hpp"

#include <tl/expected.hpp>

namespace tapd {

/// One pour: what the meter counted and what the jug held.
struct JugPour {
  std::int64_t edges{0};
  model::Volume measured;
};

struct JugCalibration {
  /// Fewer say nothing about how far they agree.
  static constexpr std::size_t least_pours = 3;
  /// A pour smaller than this is read off a jug too badly.
  static constexpr model::Volume least_measured = model::Volume::microlitres(200'000);
  /// A pour may differ from the mean by so many thousandths.
  static constexpr std::int64_t largest_spread = 20;
  /// The result may differ from the value in force by so many thousandths: more is another meter,
  /// or another jug.
  static constexpr std::int64_t largest_change = 300;

  std::int64_t milli_pulses_per_litre{0};
  std::int64_t spread{0};  ///< Of the pour farthest from the mean, thousandths.
  std::int64_t change{0};  ///< Against the value in force, thousandths; with its sign.
};

/// Pulses per litre of one pour, in thousandths; zero for an empty jug.
[[nodiscard]] std::int64_t milli_pulses_per_litre(const JugPour& pour);

/// The value of all pours together. The error says in words what is wrong with them and what to do.
[[nodiscard]] tl::expected<JugCalibration, std::string> calibrate_by_jug(
    std::span<const JugPour> pours, std::int64_t in_force_milli_pulses_per_litre);

}  // namespace tapd
