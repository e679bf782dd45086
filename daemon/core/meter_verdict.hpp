// What a meter's line looks like to a technician: clean, bouncing, noisy, losing edges, or silent.
// Pure: counts over a while go in. Used by `tapctl meter` and `tapctl selftest`; the session has
// its own, stricter rules and asks nobody here.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tapd {

/// What came over a while.
struct MeterCounts {
  std::int64_t edges{0};        ///< That count.
  std::int64_t rejected{0};     ///< Refused by the interval filter.
  std::int64_t edges_lost{0};   ///< By the kernel.
  std::int64_t out_of_turn{0};  ///< Two of a kind in a row.
  /// How far apart they came, in steps of about two from close to far (drivers::EdgeIntervals).
  std::array<std::int64_t, 12> intervals{};
};

enum class MeterLook : std::uint8_t { silent, clean, bounce, noise, losing };
[[nodiscard]] std::string_view to_text(MeterLook look);

struct MeterVerdict {
  MeterLook look{MeterLook::silent};
  std::string words;  ///< Why, and what to do next.
};

/// `most_millihertz`: the meter's fastest pulses; 0: not known. `valve_shut`: it was shut for the
/// whole while, so that nothing can have run.
[[nodiscard]] MeterVerdict judge_meter(const MeterCounts& counts, std::chrono::nanoseconds time,
                                       std::int64_t most_millihertz, bool valve_shut);

}  // namespace tapd
