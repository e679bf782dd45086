// Chance for the simulated bar: a small generator whose sequence follows from its seed alone, on
// every compiler and library (the standard distributions promise no such thing). Each part of the
// bar has a stream of its own, so that one more throw in one part changes nothing in another.
// Not for secrets. A value; one owner.
#pragma once

#include <array>
#include <cstdint>

namespace tapd::drivers::sim {

/// xoshiro256** (Blackman and Vigna), seeded by SplitMix64.
class Dice {
 public:
  explicit Dice(std::uint64_t seed, std::uint64_t stream = 0) {
    std::uint64_t mixed = seed ^ mix(stream + golden);
    for (std::uint64_t& word : state_) word = mix(mixed += golden);
  }

  [[nodiscard]] std::uint64_t next() {
    const std::uint64_t result = rotated(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotated(state_[3], 45);
    return result;
  }
  /// 0 <= share < 1.
  [[nodiscard]] double share() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  /// low <= between < high.
  [[nodiscard]] double between(double low, double high) { return low + (high - low) * share(); }
  /// True for so large a share of the calls; never for 0, and then nothing is thrown.
  [[nodiscard]] bool chance(double rate) { return rate > 0 && share() < rate; }

 private:
  static constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;

  static constexpr std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31U);
  }
  static constexpr std::uint64_t rotated(std::uint64_t value, unsigned by) {
    return (value << by) | (value >> (64U - by));
  }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace tapd::drivers::sim
