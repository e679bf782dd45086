#include "daemon/core/flow_rate.hpp"

#include <algorithm>

namespace tapd {

void FlowRate::add(FineVolume volume, model::SinceBoot now) {
  if (first_ < model::SinceBoot::zero() || now - first_ < model::SinceBoot::zero()) first_ = now;
  const std::int64_t number = now / model::SinceBoot{slot_length};
  Slot& slot = slots_[static_cast<std::size_t>(number) % slot_count];
  if (slot.number != number) slot = {.number = number, .volume = {}};
  slot.volume += volume;
}

std::int64_t FlowRate::microlitres_per_second(model::SinceBoot now) const {
  if (first_ < model::SinceBoot::zero()) return 0;
  const std::int64_t newest = now / model::SinceBoot{slot_length};
  FineVolume sum;
  for (const Slot& slot : slots_) {
    if (slot.number >= 0 && slot.number <= newest &&
        newest - slot.number < static_cast<std::int64_t>(slot_count)) {
      sum += slot.volume;
    }
  }
  // A pour younger than the window is measured over its own age, at least a quarter of the window.
  const auto age = std::clamp<model::SinceBoot>(now - first_, window / 4, window);
  return sum.volume().in_microlitres() * 1'000 /
         std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
}

}  // namespace tapd
