#include "daemon/core/noise_watch.hpp"

#include <algorithm>

namespace tapd {

bool NoiseWatch::too_much(std::int64_t edges, std::int64_t refused, model::SinceBoot now) {
  if (most_millihertz_ <= 0) return false;
  edges_ += edges;
  refused_ += refused;
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
  if (passed < window) return false;
  // Two edges are a pulse. A day is long enough to be counted over, and far from overflowing.
  const std::int64_t ms = std::min<std::int64_t>(passed.count(), 86'400'000);
  const auto most = [&](std::int64_t times) {
    return std::max<std::int64_t>(most_millihertz_ * 2 * times * ms / 1'000'000, 1);
  };
  const std::int64_t most_of_all =
      std::max(most(factor), std::min(most(bouncing_factor), most_a_second * ms / 1'000));
  const bool noise = edges_ > most(factor) || edges_ + refused_ > most_of_all;
  edges_ = refused_ = 0;
  since_ = now;
  return noise;
}

}  // namespace tapd
