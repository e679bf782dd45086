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
    if (!lines_[lamp] || wanted[lamp] == lit_[lamp]) continue;
    if (auto done = lines_[lamp]->drive(wanted[lamp]); !done) {
      trouble_ = std::move(done.error());
      lines_[lamp].reset();
    }
  }
  lit_ = wanted;
  wake_at_ = player_.next_change(now);
}

std::string LineIndicator::take_trouble() noexcept {
  return std::exchange(trouble_, {});
}

}  // namespace tapd::drivers
