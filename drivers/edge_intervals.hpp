// How far apart the edges of a line come, counted in steps of about two: what bounces, what hums
// and what turns look different. For a technician's eyes; nothing is decided by it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapd::drivers {

struct EdgeIntervals {
  /// Upper bounds, exclusive; the last step has none.
  static constexpr std::array<std::chrono::microseconds, 11> bounds{
      std::chrono::microseconds{50},     std::chrono::microseconds{100},
      std::chrono::microseconds{200},    std::chrono::microseconds{500},
      std::chrono::microseconds{1'000},  std::chrono::microseconds{2'000},
      std::chrono::microseconds{5'000},  std::chrono::microseconds{10'000},
      std::chrono::microseconds{20'000}, std::chrono::microseconds{50'000},
      std::chrono::microseconds{200'000}};
  std::array<std::uint32_t, bounds.size() + 1> counts{};

  void add(std::chrono::nanoseconds interval) {
    std::size_t step = 0;
    while (step < bounds.size() && interval >= bounds[step]) ++step;
    ++counts[step];
  }
};

}  // namespace tapd::drivers
