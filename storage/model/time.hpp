// The two kinds of time. Durations and deadlines use time since boot; only records and people use
// wall time. Nothing here reads a clock: time is handed in.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tapd::model {

/// Time since boot (CLOCK_BOOTTIME). Compare only within one boot.
using SinceBoot = std::chrono::nanoseconds;

/// UTC wall time in milliseconds.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// One reading of both clocks. `wall_trusted` is false until the board's clock was set from outside
/// in this boot (a Pi has no battery clock).
struct Moment {
  SinceBoot since_boot{};
  WallTime wall{};
  bool wall_trusted{false};
};

/// "2026-11-21T10:00:00.000Z" (ISO 8601, UTC, milliseconds).
[[nodiscard]] std::string to_iso8601(WallTime time);

/// Reads what to_iso8601 writes, with or without the fraction; nullopt for anything else.
[[nodiscard]] std::optional<WallTime> parse_iso8601(std::string_view text);

}  // namespace tapd::model
