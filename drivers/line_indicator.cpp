#include "drivers/line_indicator.hpp"

#include <utility>

namespace tapd::drivers {

LineIndicator::LineIndicator(LampLines lines) : lines_(std::move(lines)) {}

void LineIndicator::show(Signal signal, SinceBoot now) noexcept {
  player_.show(signal, now);
  tick(now);
}

void LineIndicator::tick(SinceBoot now) noexcept {
  const Lit wanted = player_.lit(now);
  for (std::size_t lamp = 0; lamp < lamp_count; ++lamp) {
    if (!lines_[lamp] || given_up_[lamp] || wanted[lamp] == lit_[lamp]) continue;
    if (auto done = lines_[lamp]->drive(wanted[lamp]); !done) {
      trouble_ = std::move(done.error());
      given_up_.set(lamp);
    }
  }
  lit_ = wanted;
  wake_at_ = player_.next_change(now);
}

void LineIndicator::retake(SinceBoot now) noexcept {
  for (std::size_t lamp = 0; lamp < lamp_count; ++lamp) {
    if (!given_up_[lamp]) continue;
    if (auto taken = lines_[lamp]->retake(); !taken) {
      trouble_ = std::move(taken.error());
      continue;
    }
    given_up_.reset(lamp);
    lit_.reset(lamp);  // A line that is taken is off.
  }
  tick(now);
}

std::string LineIndicator::take_trouble() noexcept {
  return std::exchange(trouble_, {});
}

}  // namespace tapd::drivers
