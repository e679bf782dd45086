// Random numbers that are the same on every machine (SplitMix64): a seed replays a test.
#pragma once

#include <cstdint>

namespace tapd::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{seed} {}

  std::uint64_t next() {
    std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31U);
  }
  /// 0 to bound - 1. The slight bias of the remainder does not matter to a test.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  /// `first` to `last`, both included.
  std::int64_t between(std::int64_t first, std::int64_t last) {
    const auto span = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first);
    const std::uint64_t offset = span == UINT64_MAX ? next() : below(span + 1);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(first) + offset);
  }
  /// True in `percent` of a hundred cases.
  bool chance(std::uint64_t percent) { return below(100) < percent; }

 private:
  std::uint64_t state_;
};

}  // namespace tapd::test
