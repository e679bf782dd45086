#include "daemon/core/meter_verdict.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace tapd {
namespace {

/// Of a hundred edges so many may be refused or out of turn before it is said.
constexpr std::int64_t tolerable_percent = 1;
/// A turbine's intervals lie close together; a step counts when it holds more than one in so many.
constexpr std::int64_t one_in = 20;
/// Steady flow fills neighbouring steps; from so many on nothing turns.
constexpr std::ptrdiff_t widest_turning = 4;
/// Fewer edges say nothing about their spread.
constexpr std::int64_t enough_edges = 40;

/// Counted edges all over the place, as mains hum and motors make them.
bool is_scattered(const MeterCounts& counts) {
  const auto& steps = counts.intervals;
  const auto all = std::accumulate(steps.begin(), steps.end(), std::int64_t{0});
  if (all < enough_edges) return false;
  const auto filled = std::count_if(steps.begin(), steps.end(),
                                    [&](std::int64_t count) { return count * one_in > all; });
  return filled > widest_turning;
}

bool too_fast(const MeterCounts& counts, std::chrono::nanoseconds time,
              std::int64_t most_millihertz) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  if (most_millihertz == 0 || ms <= 0) return false;
  // Two edges a pulse, and twice the meter's best.
  constexpr std::int64_t edges_per_pulse = 2;
  constexpr std::int64_t margin = 2;
  return (counts.edges + counts.rejected) * 1'000'000 >
         most_millihertz * edges_per_pulse * margin * ms;
}

}  // namespace

std::string_view to_text(MeterLook look) {
  constexpr std::array<std::string_view, 5> texts{"silent", "clean", "bounce", "noise", "losing"};
  return texts.at(static_cast<std::size_t>(look));
}

MeterVerdict judge_meter(const MeterCounts& counts, std::chrono::nanoseconds time,
                         std::int64_t most_millihertz, bool valve_shut) {
  const std::int64_t all = counts.edges + counts.rejected;
  if (all == 0) {
    return {MeterLook::silent,
            "no edge came: turn the impeller (blow into the line) or let liquid "
            "run; still nothing: look at the meter's supply, its line and its "
            "pull-up (meter.bias)"};
  }
  if (too_fast(counts, time, most_millihertz)) {
    return {MeterLook::noise,
            "more edges than the meter can make: look for a pump or a mains "
            "cable beside the line, the shield, the pull-up"};
  }
  if (counts.rejected * 2 > all || is_scattered(counts)) {
    return {MeterLook::noise,
            "the edges keep no pace, as a turning impeller does: look for a pump "
            "or a mains cable beside the line, the shield, the pull-up"};
  }
  if (valve_shut && counts.edges > 0) {
    return {MeterLook::noise,
            "edges come although the valve is shut: noise on the line, or the "
            "valve leaks; shut the cock before it and look again"};
  }
  if (counts.rejected * 100 > all * tolerable_percent) {
    return {MeterLook::bounce,
            "edges come in bursts and are filtered out; the count is right: a "
            "stronger pull-up or 10 nF from line to ground makes it clean"};
  }
  if (counts.edges_lost > 0 || counts.out_of_turn * 100 > counts.edges * tolerable_percent) {
    return {MeterLook::losing,
            "edges are being lost: the board is too busy, or the pulses are too "
            "short; look at meter.shortest_interval_us and the load"};
  }
  return {MeterLook::clean, "the edges come as from a turning impeller"};
}

}  // namespace tapd
