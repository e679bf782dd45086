// Tells a line that no meter can be on: a floating input, a broken shield, a motor beside the
// cable. It counts everything that comes over the wire, what the filter refuses included, against
// the meter's highest frequency. Pure; asked by the tap session in every state.
#pragma once

#include <chrono>
#include <cstdint>

#include "storage/model/time.hpp"

namespace tapd {

class NoiseWatch {
 public:
  /// Measured over so long at least.
  static constexpr std::chrono::milliseconds window{100};
  /// A contact that bounces makes more edges than pulses have; so many times more is no contact.
  static constexpr std::int64_t factor = 3;

  /// `most_millihertz`: the meter's highest frequency; 0: nothing is too much.
  explicit NoiseWatch(std::int64_t most_millihertz) : most_millihertz_{most_millihertz} {}

  /// So many edges of any kind since the last call. True: more than this meter can make.
  [[nodiscard]] bool too_much(std::int64_t edges, model::SinceBoot now);

 private:
  std::int64_t most_millihertz_;
  std::int64_t edges_{0};
  model::SinceBoot since_{};
};

}  // namespace tapd
