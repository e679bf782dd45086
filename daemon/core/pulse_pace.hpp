// How far apart pulses come now, from the kernel's stamps of edges: what a calibration curve and
// the plausibility of a flow are looked up by. Pure. It does not tell that a flow has stopped: that
// is FlowRate's.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "storage/model/time.hpp"

namespace tapd {

class PulsePace {
 public:
  /// Looked back so long, further when there are fewer than four edges in it.
  static constexpr std::chrono::milliseconds window{20};
  /// After so long without an edge it begins anew.
  static constexpr std::chrono::milliseconds forgets_after{1'000};

  /// So many edges have come, the newest at `newest`. A stamp before the last one counts as that.
  void add(std::int64_t edges, model::SinceBoot newest);
  /// From pulse to pulse; nullopt before there is anything to measure. At least a nanosecond.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> pulse_interval() const;

 private:
  static constexpr std::size_t point_count = 16;
  static constexpr std::int64_t least_edges = 4;
  struct Point {
    model::SinceBoot at{};
    std::int64_t edges{0};  // in all, up to this one
  };
  [[nodiscard]] const Point& back(std::size_t steps) const {
    return points_[(newest_ + point_count - steps) % point_count];
  }

  std::array<Point, point_count> points_{};
  std::size_t newest_{0};
  std::size_t known_{0};
};

}  // namespace tapd
