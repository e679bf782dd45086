// How fast it runs now: the flow of the last fifth of a second. Pure; used to foresee the tail and
// to tell flow from drips.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "daemon/core/calibration.hpp"
#include "storage/model/time.hpp"

namespace tapd {

class FlowRate {
 public:
  static constexpr std::chrono::milliseconds window{200};

  void add(FineVolume volume, model::SinceBoot now);
  /// Microlitres per second over the window that ends now; zero when nothing came in it.
  [[nodiscard]] std::int64_t microlitres_per_second(model::SinceBoot now) const;

 private:
  // Readings within one slot are merged: the window needs no more resolution than the tail does.
  static constexpr std::chrono::milliseconds slot_length{10};
  static constexpr std::size_t slot_count = 21;
  struct Slot {
    std::int64_t number{-1};
    FineVolume volume;
  };
  std::array<Slot, slot_count> slots_{};
  model::SinceBoot first_{-1};
};

}  // namespace tapd
