// From edges to a volume: what a pulse is worth, as a table over the time between two pulses, and
// the sum of many. Used by the tap session for pours and leaks. Integers only: sums are exact, a
// pour counted edge by edge and one counted at once are the same, and no sum ever gets smaller.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "storage/model/volume.hpp"

#include <tl/expected.hpp>

namespace tapd {

/// What a number of edges is worth, exactly: half nanolitres, since an edge is half a pulse.
class FineVolume {
 public:
  constexpr FineVolume() = default;
  /// `edges` of a meter whose pulse is worth so many nanolitres; neither is negative.
  [[nodiscard]] static constexpr FineVolume of(std::int64_t edges, std::int64_t nanolitres) {
    FineVolume sum;
    if (nanolitres > 0) sum.half_nanolitres_ = std::min(edges, most / nanolitres) * nanolitres;
    return sum;
  }
  /// Stops at a million litres, which is no pour.
  constexpr FineVolume& operator+=(FineVolume other) {
    half_nanolitres_ = std::min(half_nanolitres_ + other.half_nanolitres_, most);
    return *this;
  }
  friend constexpr FineVolume operator+(FineVolume a, FineVolume b) { return a += b; }
  /// This without `other`; nothing when that is more.
  [[nodiscard]] constexpr FineVolume less(FineVolume other) const {
    FineVolume rest;
    rest.half_nanolitres_ = std::max<std::int64_t>(half_nanolitres_ - other.half_nanolitres_, 0);
    return rest;
  }
  constexpr auto operator<=>(const FineVolume&) const = default;
  /// Whole microlitres, the rest cut off.
  [[nodiscard]] constexpr model::Volume volume() const {
    return model::Volume::microlitres(half_nanolitres_ / 2'000);
  }

 private:
  static constexpr std::int64_t most = 2'000'000'000'000'000;
  std::int64_t half_nanolitres_{0};
};

/// One measured point: at this pulse frequency the meter gives so many pulses per litre.
struct CurvePoint {
  std::int64_t millihertz{0};
  std::int64_t milli_pulses_per_litre{0};
};

/// What a pulse is worth at which pace. Between two points the flow is drawn as a straight line
/// over the frequency, as turbines behave above their stall; so the worth of a pulse is a straight
/// line over the time between pulses. Outside the table the nearest row holds. A K-factor is a
/// table of one row.
class Calibration {
 public:
  static constexpr std::size_t most_rows = 16;
  /// Bounds of a curve's points: 1 Hz to 10 kHz, and 1 to 1,000,000 pulses per litre.
  static constexpr std::int64_t least_millihertz = 1'000;
  static constexpr std::int64_t most_millihertz = 10'000'000;
  static constexpr std::int64_t least_milli_pulses_per_litre = 1'000;
  static constexpr std::int64_t most_milli_pulses_per_litre = 1'000'000'000;

  /// The same at every pace: nanolitres per pulse, above 0. 450 pulses per litre are 2,222,222 nl.
  [[nodiscard]] static constexpr Calibration constant(std::int64_t nanolitres_per_pulse,
                                                      std::int64_t id = 0) {
    Calibration calibration;
    calibration.id = id;
    calibration.count_ = 1;
    calibration.rows_[0].nanolitres_per_pulse = nanolitres_per_pulse;
    return calibration;
  }
  /// Thousandths of a pulse per litre (5598.4 per litre is 5'598'400), as a data sheet or a
  /// calibration gives it; rounded to the nearest nanolitre.
  [[nodiscard]] static constexpr Calibration from_milli_pulses_per_litre(std::int64_t milli) {
    return constant(nanolitres(milli));
  }
  /// The error says which point is wrong and why: too few or too many, out of bounds, frequencies
  /// that do not rise, or a higher frequency that would mean less flow.
  [[nodiscard]] static tl::expected<Calibration, std::string> from_curve(
      std::span<const CurvePoint> points);

  /// What a pulse is worth when pulses come so far apart; nullopt (nobody knows yet): the least of
  /// the table, so that nobody is charged for what was not measured.
  [[nodiscard]] std::int64_t nanolitres_per_pulse(
      std::optional<std::chrono::nanoseconds> pulse_interval) const;
  [[nodiscard]] FineVolume worth(std::int64_t edges,
                                 std::optional<std::chrono::nanoseconds> pulse_interval) const {
    return FineVolume::of(edges, nanolitres_per_pulse(pulse_interval));
  }

  /// At the fastest row: what a K-factor is called by.
  [[nodiscard]] constexpr std::int64_t nominal() const {
    return rows_[count_ - 1].nanolitres_per_pulse;
  }
  /// The same in thousandths of a pulse per litre, rounded.
  [[nodiscard]] constexpr std::int64_t milli_pulses_per_litre() const {
    return nanolitres(nominal());  // a quotient of the same constant both ways
  }
  /// The pace of the slowest row; zero when the table has no frequencies (a K-factor).
  [[nodiscard]] std::chrono::nanoseconds slowest() const { return rows_[0].pulse_interval; }
  /// The flow at the fastest row, microlitres per second; zero for a K-factor.
  [[nodiscard]] std::int64_t fastest_flow() const;
  /// The table as the ledger keeps it, "20.000 Hz 190000 nl, ..."; empty for a K-factor.
  [[nodiscard]] std::string curve_text() const;

  std::int64_t id{0};  ///< Row of `calibrations`; every pour names it.

 private:
  struct Row {
    std::chrono::nanoseconds pulse_interval{0};
    std::int64_t nanolitres_per_pulse{0};
  };
  [[nodiscard]] static constexpr std::int64_t nanolitres(std::int64_t milli_pulses_per_litre) {
    constexpr std::int64_t nanolitres_in_a_thousand_litres = 1'000'000'000'000;
    return (nanolitres_in_a_thousand_litres + milli_pulses_per_litre / 2) / milli_pulses_per_litre;
  }

  std::array<Row, most_rows> rows_{};  // from slow to fast
  std::size_t count_{1};
};

}  // namespace tapd
