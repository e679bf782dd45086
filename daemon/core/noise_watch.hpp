// Tells a line that no meter can be on: a floating input, a broken shield, a motor beside the
// cable. It holds what comes over the wire against the meter's highest frequency. Pure; asked by
// the tap session in every state.
#pragma once

#include <chrono>
#include <cstdint>

#include "storage/model/time.hpp"

namespace tapd {

class NoiseWatch {
 public:
  /// Measured over so long at least.
  static constexpr std::chrono::milliseconds window{100};
  /// So many times the meter's most, of edges that the filter lets pass, is no meter.
  static constexpr std::int64_t factor = 3;
  /// And so many times of all edges. A worn contact may bounce at every edge, and in a window so
  /// short some edges bounce more than others: what the filter refuses there is charged to nobody
  /// and stops no pour.
  static constexpr std::int64_t bouncing_factor = 10;
  /// But more than these a second are a storm that costs the board its time, unless the meter is so
  /// fast.
  static constexpr std::int64_t most_a_second = 4'000;

  /// `most_millihertz`: the meter's highest frequency; 0: nothing is too much.
  explicit NoiseWatch(std::int64_t most_millihertz) : most_millihertz_{most_millihertz} {}

  /// So many edges since the last call, and so many more that the filter refused. True: more than
  /// this meter can make.
  [[nodiscard]] bool too_much(std::int64_t edges, std::int64_t refused, model::SinceBoot now);

 private:
  std::int64_t most_millihertz_;
  std::int64_t edges_{0};
  std::int64_t refused_{0};
  model::SinceBoot since_{};
};

}  // namespace tapd
