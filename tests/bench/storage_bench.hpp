// `./dev bench storage`: what the ledger costs: the time of a commit, the size of the file, the
// bytes that an SD card has to take.
#pragma once

#include <cstdint>

#include "figures.hpp"

namespace tapd::bench {

struct StorageBenchOptions {
  int commits{2'000};             ///< Of each kind, timed.
  std::int64_t pours{1'000'000};  ///< In the file that is grown.
};

/// "Pour begun" and "progress", beside SQLite alone doing the same statement with the same pragmas,
/// in turns on the same disk.
void bench_commits(const StorageBenchOptions& options, const Report& report);
/// A file of many pours: start, next batch, a pour; beside an empty file.
void bench_large_file(const StorageBenchOptions& options, const Report& report);
/// Bytes written for a pour, and in an hour without one.
void bench_wear(const Report& report);

}  // namespace tapd::bench
