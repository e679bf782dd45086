// Volumes as exact integers of microlitres. The meter's arithmetic ends in microlitres; rows and
// bills are in whole millilitres, rounded once, half up.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace tapd::model {

/// A volume of liquid in microlitres. Never negative in a record; differences may be.
/// Arithmetic that would overflow throws std::overflow_error.
class Volume {
 public:
  constexpr Volume() = default;
  [[nodiscard]] static constexpr Volume microlitres(std::int64_t value) { return Volume{value}; }
  /// Throws std::overflow_error past about 9.2e15 ml.
  [[nodiscard]] static Volume millilitres(std::int64_t value);
  /// A volume that no keg holds: the limit of a tap without a limit (1,000 litres).
  [[nodiscard]] static constexpr Volume largest() { return Volume{1'000'000'000}; }

  [[nodiscard]] constexpr std::int64_t in_microlitres() const { return microlitres_; }
  /// Whole millilitres, half up (1.5 ml is 2): what rows and bills count.
  [[nodiscard]] constexpr std::int64_t in_millilitres() const {
    const std::int64_t towards_zero = microlitres_ / 1000;
    const std::int64_t rest = microlitres_ % 1000;
    if (rest >= 500) return towards_zero + 1;
    return rest < -500 ? towards_zero - 1 : towards_zero;
  }
  constexpr auto operator<=>(const Volume&) const = default;

  friend Volume operator+(Volume a, Volume b);
  friend Volume operator-(Volume a, Volume b);
  Volume& operator+=(Volume other) { return *this = *this + other; }

 private:
  constexpr explicit Volume(std::int64_t microlitres) : microlitres_{microlitres} {}
  std::int64_t microlitres_{0};
};

/// "412 ml".
[[nodiscard]] std::string to_text(Volume volume);

}  // namespace tapd::model
