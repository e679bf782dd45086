#include "daemon/core/noise_watch.hpp"

#include <algorithm>

namespace tapd {

bool NoiseWatch::too_much(std::int64_t edges, model::SinceBoot now) {
  if (most_millihertz_ <= 0) return false;
  edges_ += edges;
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
  if (passed < window) return false;
  // Two edges are a pulse. A day is long enough to be counted over, and far from overflowing.
  const std::int64_t ms = std::min<std::int64_t>(passed.count(), 86'400'000);
  const std::int64_t most = most_millihertz_ * 2 * factor * ms / 1'000'000;
  const bool noise = edges_ > std::max<std::int64_t>(most, 1);
  edges_ = 0;
  since_ = now;
  return noise;
}

}  // namespace tapd
