#include "daemon/core/flow_rate.hpp"

#include <algorithm>

namespace tapd {

void FlowRate::add(std::int64_t edges, model::SinceBoot now) {
  if (first_ < model::SinceBoot::zero() || now - first_ < model::SinceBoot::zero()) first_ = now;
  const std::int64_t number = now / model::SinceBoot{slot_length};
  Slot& slot = slots_[static_cast<std::size_t>(number) % slot_count];
  if (slot.number != number) slot = {.number = number, .edges = 0};
  slot.edges += edges;
}

std::int64_t FlowRate::microlitres_per_second(const Calibration& calibration,
                                              model::SinceBoot now) const {
  if (first_ < model::SinceBoot::zero()) return 0;
  const std::int64_t newest = now / model::SinceBoot{slot_length};
  std::int64_t edges = 0;
  for (const Slot& slot : slots_) {
    if (slot.number >= 0 && slot.number <= newest &&
        newest - slot.number < static_cast<std::int64_t>(slot_count)) {
      edges += slot.edges;
    }
  }
  // A pour younger than the window is measured over its own age, at least a quarter of the window.
  const auto age = std::clamp<model::SinceBoot>(now - first_, window / 4, window);
  const std::int64_t volume = calibration.volume_of(edges).in_microlitres();
  return volume * 1'000 / std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
}

}  // namespace tapd
