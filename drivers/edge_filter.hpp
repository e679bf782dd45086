// From edges on a line to edges that count: gaps in the kernel's numbering are added, repetitions
// dropped, glitches taken out, and the alternation of rising and falling watched. Pure: edges and
// times go in, a MeterReading comes out. Used by the flow meter on the control thread; it knows
// neither libgpiod nor litres. (Hardware notes, sections 4 and 6.)
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "drivers/flow_meter.hpp"

namespace tapd::drivers {

/// One edge as the kernel reports it. `line_seqno` counts this line's events from 1 on, dropped
/// ones included, and wraps at 32 bits. `rising` is the level read after the interrupt: a late read
/// can tell the wrong kind, so nothing is counted by it.
struct Edge {
  bool rising{false};
  SinceBoot stamp{};
  std::uint64_t line_seqno{0};
};

/// An edge counts once the level has held for `shortest_interval`. Two edges closer together than
/// that were a glitch that went back to where it began, and neither counts: whatever bounces, the
/// count stays even with the level. At most one edge waits for that; it is counted by the next edge
/// or by the next drain that comes late enough.
class EdgeFilter {
 public:
  /// Half of the shortest pulse or pause of the meter at its highest frequency: a quarter of the
  /// period when they are alike. Zero: everything counts.
  explicit EdgeFilter(std::chrono::nanoseconds shortest_interval);

  /// Takes the next edge. One that comes with an older number than the last is a repetition and is
  /// rejected. A gap counts at the next drain, as that many edges, less those that bounced if its
  /// line bounces as it did lately, and never more than fit into the time it took: what is beyond
  /// is noise and is rejected. A stamp older than the last one counts like any other.
  void take(const Edge& edge);
  /// What has come since the last drain. `now` is before or at the moment when the last edge was
  /// looked for.
  [[nodiscard]] MeterReading drain(SinceBoot now);

 private:
  void note_gap(std::uint32_t gap, SinceBoot stamp);
  void count_dropped();
  void confirm_waiting();
  void saw(std::int64_t edges, std::int64_t counted);

  std::chrono::nanoseconds shortest_interval_;
  std::optional<Edge> waiting_;
  std::optional<SinceBoot> newest_stamp_;
  std::optional<SinceBoot> last_counted_;
  std::optional<bool> last_rising_;  ///< Of the last counted edge; nothing after a gap.
  std::uint32_t last_seqno_{0};
  std::int64_t dropped_{0};          ///< By the kernel since the last drain, ...
  std::int64_t dropped_at_most_{0};  ///< ... and what fits into the time they took.
  std::int64_t seen_lately_{0};
  std::int64_t counted_lately_{0};
  MeterReading reading_;
};

}  // namespace tapd::drivers
