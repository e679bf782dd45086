// `./dev bench sync`: how fast waiting pours reach the reference server, over a good and a bad
// link, how a fleet comes back after an outage, and random schedules of faults. One function for
// each part, each printing a section.
#pragma once

#include <cstddef>
#include <cstdint>

#include "figures.hpp"

namespace tapd::bench {

struct SyncBenchOptions {
  std::size_t rows{100'000};    ///< Waiting rows on loopback.
  std::size_t rows_far{6'000};  ///< Waiting rows over the bad link.
  std::size_t controllers{1'000};
  std::uint64_t schedules{2'000};
  std::size_t batch{500};  ///< As shipped.
  std::size_t guests{10'000};

  /// A twentieth of everything, for a look in between.
  [[nodiscard]] static SyncBenchOptions quick() { return {5'000, 2'000, 200, 200, 500, 10'000}; }
};

/// Rows per second into tests/central on PostgreSQL, and what memory the drain takes.
void bench_drain(const SyncBenchOptions& options, const Report& report);
/// The same through a proxy that delays, holds up and cuts.
void bench_drain_far(const SyncBenchOptions& options, const Report& report);
/// The whole snapshot of a large venue into the ledger.
void bench_snapshot(const SyncBenchOptions& options, const Report& report);
/// Real engines in simulated time, all of whom lose and find the server at the same moment.
void bench_fleet(const SyncBenchOptions& options, const Report& report);
/// The property test's schedules, counted.
void bench_schedules(const SyncBenchOptions& options, const Report& report);
/// The same against the reference server on PostgreSQL, in both modes.
void bench_served_schedules(const SyncBenchOptions& options, const Report& report);

}  // namespace tapd::bench
