#include "daemon/core/pulse_pace.hpp"

#include <algorithm>

namespace tapd {

void PulsePace::add(std::int64_t edges, model::SinceBoot newest) {
  if (edges <= 0) return;
  if (known_ > 0 && newest - back(0).at > forgets_after) known_ = 0;
  if (known_ == 0) {
    points_[newest_] = {.at = newest, .edges = 0};
    known_ = 1;
    return;
  }
  const Point next{.at = std::max(newest, back(0).at), .edges = back(0).edges + edges};
  // Points closer together than the window needs are merged: the table stays small.
  constexpr auto step = window / 8;
  if (known_ > 1 && next.at - back(1).at < step) {
    points_[newest_] = next;
    return;
  }
  newest_ = (newest_ + 1) % point_count;
  points_[newest_] = next;
  known_ = std::min(known_ + 1, point_count);
}

std::optional<std::chrono::nanoseconds> PulsePace::pulse_interval() const {
  if (known_ < 2) return std::nullopt;
  const Point& newest = back(0);
  std::size_t from = 1;
  while (from + 1 < known_) {
    const bool enough = newest.edges - back(from).edges >= least_edges;
    if (enough && newest.at - back(from + 1).at > window) break;
    ++from;
  }
  const Point& oldest = back(from);
  const auto time = newest.at - oldest.at;
  if (time <= std::chrono::nanoseconds::zero()) return std::nullopt;
  return std::max(2 * time / (newest.edges - oldest.edges), std::chrono::nanoseconds{1});
}

}  // namespace tapd
