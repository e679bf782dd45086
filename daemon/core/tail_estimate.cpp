#include "daemon/core/tail_estimate.hpp"

#include <algorithm>

namespace tapd {
namespace {

std::chrono::microseconds median(std::vector<std::chrono::microseconds> lessons) {
  const auto middle = lessons.begin() + static_cast<std::ptrdiff_t>((lessons.size() - 1) / 2);
  std::nth_element(lessons.begin(), middle, lessons.end());
  return *middle;
}

}  // namespace

TailEstimate::TailEstimate(std::chrono::microseconds longest_close,
                           std::optional<std::chrono::microseconds> known)
    : longest_close_{longest_close},
      close_time_{std::min<std::chrono::microseconds>(assumed, longest_close)} {
  if (!known) return;
  lessons_.push_back(std::clamp(*known, std::chrono::microseconds{0}, longest_close_));
  close_time_ = lessons_.front();
}

void TailEstimate::learn(model::Volume tail, std::int64_t rate) {
  if (rate < slowest_lesson || tail < model::Volume{}) return;
  const std::chrono::microseconds close{tail.in_microlitres() * 1'000'000 / rate};
  lessons_.push_back(std::min(close, longest_close_));
  if (lessons_.size() > memory) lessons_.erase(lessons_.begin());
  close_time_ = median(lessons_);
}

std::chrono::microseconds TailEstimate::close_time() const {
  return close_time_;
}

model::Volume TailEstimate::expected(std::int64_t microlitres_per_second) const {
  return model::Volume::microlitres(microlitres_per_second * close_time_.count() / 1'000'000);
}

}  // namespace tapd
