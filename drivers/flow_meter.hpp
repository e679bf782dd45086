// The flow meter as the daemon sees it: edges that have come since the last read. The meter counts;
// what an edge is worth in microlitres is the daemon's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "drivers/edge_intervals.hpp"

namespace tapd::drivers {

using SinceBoot = std::chrono::nanoseconds;

/// Edges since the last read. Both edges of a pulse are counted: two edges are one pulse.
struct MeterReading {
  std::int64_t edges{0};        ///< Accepted edges, those the kernel dropped included.
  std::int64_t edges_lost{0};   ///< Of these, dropped by the kernel (gaps in line_seqno).
  std::int64_t rejected{0};     ///< Refused by the interval filter (bounce, noise); not in `edges`.
  std::int64_t out_of_turn{0};  ///< Two edges of one kind in a row: a sign of silent loss.
  std::optional<SinceBoot> last_edge;  ///< When the newest accepted edge came.
  EdgeIntervals intervals{};           ///< Between edges as they came, refused ones included.
  std::string fault;                   ///< Not empty: the line is gone ("GPIO17: No such device").
};

/// A flow meter. Used from the control thread.
class FlowMeter {
 public:
  FlowMeter() = default;
  virtual ~FlowMeter() = default;
  FlowMeter(const FlowMeter&) = delete;
  FlowMeter& operator=(const FlowMeter&) = delete;
  FlowMeter(FlowMeter&&) = delete;
  FlowMeter& operator=(FlowMeter&&) = delete;

  /// A descriptor that polls readable when edges wait; -1 when there is none (a fault, or at rest),
  /// so ask again after a reading that tells one and after `listen`.
  [[nodiscard]] virtual int descriptor() const = 0;
  /// Takes what waits. Never blocks, never throws. To be called on every tick as well: the newest
  /// edge counts only once its level has held, and nothing announces that moment.
  [[nodiscard]] virtual MeterReading read(SinceBoot now) = 0;
  /// Puts the meter to rest, or listens again. At rest no edge is counted and the line costs the
  /// machine nothing, however it storms. The error says why it cannot listen.
  [[nodiscard]] virtual tl::expected<void, std::string> listen(bool on) = 0;
  /// "GPIO17 on pinctrl-bcm2711".
  [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace tapd::drivers
