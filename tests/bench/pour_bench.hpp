// `./dev bench pour`: what a guest and a venue feel of a pour.
#pragma once

#include <filesystem>

#include "figures.hpp"

namespace tapd::bench {

struct PourBenchOptions {
  int pours{1'000};            ///< Per flow and meter.
  std::filesystem::path tapd;  ///< The program, for memory and idle time.
  std::chrono::seconds idle{10};
};

/// Volume past the limit at the moment the valve is told to shut, over flows and meters.
void bench_overshoot(const PourBenchOptions& options, const Report& report);
/// From the card's arrival to the command that opens the valve, with a cached balance; beside it
/// what one durable SQLite commit costs on the same disk.
void bench_card_to_valve(const PourBenchOptions& options, const Report& report);
/// Resident memory and idle processor time of the real process.
void bench_footprint(const PourBenchOptions& options, const Report& report);

}  // namespace tapd::bench
