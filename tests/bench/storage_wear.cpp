#include <fmt/format.h>

#include "storage_bench.hpp"
#include "storage_pours.hpp"
#include "tests/crash/crash_disk.hpp"

namespace tapd::bench {
namespace {

std::uint64_t bytes_in(const crash::Log& log, std::size_t from) {
  std::uint64_t sum = 0;
  for (std::size_t i = from; i < log.size(); ++i) sum += log[i].bytes.size();
  return sum;
}

/// An hour in which the server is asked every 30 s and has nothing new.
void idle_hour(storage::Ledger& ledger) {
  constexpr std::int64_t from = 1'000;
  for (std::int64_t second = from; second < from + 3'600; second += 30) {
    need(ledger.snapshot_unchanged(*ledger.ask_marker(), bench_time(second), bench_boot));
  }
}

void measure(int medium_blocks, const Report& report) {
  crash::CrashDisk disk;
  storage::Ledger ledger{{crash::ledger_name, disk.name(), bench_boot, medium_blocks}};
  need(ledger.apply_snapshot({}, 0, bench_time(5), bench_boot));
  constexpr std::uint64_t before = 200;
  constexpr std::uint64_t pours = 100;
  constexpr int progresses = 10;
  for (std::uint64_t number = 1; number <= before; ++number) {
    pour_once(ledger, number, progresses);
    confirm_once(ledger, number);
  }
  const std::size_t began = disk.log().size();
  for (std::uint64_t number = before + 1; number <= before + pours; ++number) {
    pour_once(ledger, number, progresses);
    confirm_once(ledger, number);
  }
  // The first answer after the last pour is news: its balances contain that pour.
  const std::size_t poured = disk.log().size();
  need(ledger.snapshot_unchanged(*ledger.ask_marker(), bench_time(990), bench_boot));
  const std::size_t ended = disk.log().size();
  idle_hour(ledger);
  report.add({"written for a pour",
              static_cast<double>(bytes_in(disk.log(), began) - bytes_in(disk.log(), poured)) /
                  static_cast<double>(pours) / 1024,
              "KiB",
              fmt::format("{} x progress, sent, confirmed, checkpoints; {} bytes a block",
                          progresses, medium_blocks)});
  report.add({"written in an idle hour", static_cast<double>(bytes_in(disk.log(), ended)) / 1024,
              "KiB", fmt::format("\"nothing new\" every 30 s; {} bytes a block", medium_blocks)});
}

}  // namespace

void bench_wear(const Report& report) {
  report.section("What the SD card has to take");
  for (const int medium_blocks : {4'096, 16'384}) measure(medium_blocks, report);
}

}  // namespace tapd::bench
