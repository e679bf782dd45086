#include "drivers/edge_filter.hpp"

#include <algorithm>
#include <utility>

namespace tapd::drivers {
namespace {

// Numbers wrap at 32 bits; a step of more than half of that is a step back.
constexpr std::uint32_t longest_step = 0x8000'0000U;
/// How many edges back the line is remembered, and how many tell anything of it.
constexpr std::int64_t lately = 1'024;
constexpr std::int64_t telling = 16;

}  // namespace

EdgeFilter::EdgeFilter(std::chrono::nanoseconds shortest_interval)
    : shortest_interval_(std::max(shortest_interval, std::chrono::nanoseconds::zero())) {}

void EdgeFilter::take(const Edge& edge) {
  const auto seqno = static_cast<std::uint32_t>(edge.line_seqno);
  const std::uint32_t step = seqno - last_seqno_;
  if (step == 0 || step >= longest_step) {
    ++reading_.rejected;
    return;
  }
  last_seqno_ = seqno;
  if (step > 1) {
    confirm_waiting();
    note_gap(step - 1, edge.stamp);
  }
  if (newest_stamp_ && step == 1) reading_.intervals.add(edge.stamp - *newest_stamp_);
  newest_stamp_ = edge.stamp;

  const auto interval = waiting_ ? edge.stamp - waiting_->stamp : std::chrono::nanoseconds::max();
  if (interval >= std::chrono::nanoseconds::zero() && interval < shortest_interval_) {
    reading_.rejected += 2;
    saw(2, 0);
    waiting_.reset();
    return;
  }
  confirm_waiting();
  waiting_ = edge;
}

void EdgeFilter::note_gap(std::uint32_t gap, SinceBoot stamp) {
  const bool measurable = newest_stamp_ && stamp >= *newest_stamp_ &&
                          shortest_interval_ > std::chrono::nanoseconds::zero();
  const std::int64_t most = gap;
  dropped_ += most;
  dropped_at_most_ +=
      measurable ? std::min<std::int64_t>(most, (stamp - *newest_stamp_) / shortest_interval_)
                 : most;
  last_rising_.reset();
}

/// The dropped ones cannot be looked at. They bounced as those did that were read, before them and
/// after: no guest pays for a contact that chatters while the board is late.
void EdgeFilter::count_dropped() {
  const std::int64_t dropped = std::exchange(dropped_, 0);
  const std::int64_t most = std::exchange(dropped_at_most_, 0);
  std::int64_t counted = dropped;
  if (seen_lately_ >= telling) {
    counted = (counted * counted_lately_ + seen_lately_ / 2) / seen_lately_;
  }
  counted = std::min(counted, most);
  reading_.edges += counted;
  reading_.edges_lost += counted;
  reading_.rejected += dropped - counted;
}

void EdgeFilter::confirm_waiting() {
  if (!waiting_) return;
  const Edge edge = *waiting_;
  waiting_.reset();
  ++reading_.edges;
  saw(1, 1);
  if (last_rising_ == edge.rising) ++reading_.out_of_turn;
  last_rising_ = edge.rising;
  last_counted_ = last_counted_ ? std::max(*last_counted_, edge.stamp) : edge.stamp;
  reading_.last_edge = last_counted_;
}

void EdgeFilter::saw(std::int64_t edges, std::int64_t counted) {
  seen_lately_ += edges;
  counted_lately_ += counted;
  if (seen_lately_ < lately) return;
  seen_lately_ /= 2;
  counted_lately_ /= 2;
}

MeterReading EdgeFilter::drain(SinceBoot now) {
  if (waiting_ && now >= waiting_->stamp + shortest_interval_) confirm_waiting();
  count_dropped();
  return std::exchange(reading_, MeterReading{});
}

}  // namespace tapd::drivers
