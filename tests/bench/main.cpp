// tapd-bench: prints figures, as a table or as JSON.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "drivers_bench.hpp"
#include "pour_bench.hpp"
#include "storage_bench.hpp"
#include "sync_bench.hpp"

namespace {

void run_pour(const tapd::bench::PourBenchOptions& options, const tapd::bench::Report& report) {
  bench_card_to_valve(options, report);
  tapd::bench::bench_pulse_rate(report);
  bench_footprint(options, report);
  bench_overshoot(options, report);
}

void run_drivers(const tapd::bench::DriversBenchOptions& options,
                 const tapd::bench::Report& report) {
  tapd::bench::bench_reader(options, report);
  tapd::bench::bench_pulse_rate(report);
  tapd::bench::bench_meter(options, report);
  report.section(
      "Through a kernel: `./dev rig --job valve` (pulses per second on four lines, SIGKILL to the "
      "line released, --shut-valves), `./dev rig --job reader` (faults of the reader)");
}

void run_sync(const tapd::bench::SyncBenchOptions& options, const std::vector<std::string>& parts,
              const tapd::bench::Report& report) {
  const auto wanted = [&parts](const char* name) {
    return parts.empty() || std::find(parts.begin(), parts.end(), name) != parts.end();
  };
  if (wanted("drain")) tapd::bench::bench_drain(options, report);
  if (wanted("far")) tapd::bench::bench_drain_far(options, report);
  if (wanted("snapshot")) tapd::bench::bench_snapshot(options, report);
  if (wanted("fleet")) tapd::bench::bench_fleet(options, report);
  if (wanted("schedules")) tapd::bench::bench_schedules(options, report);
  if (wanted("served")) tapd::bench::bench_served_schedules(options, report);
}

void run_storage(const tapd::bench::StorageBenchOptions& options,
                 const tapd::bench::Report& report) {
  bench_wear(report);
  bench_commits(options, report);
  bench_large_file(options, report);
}

int run(int argc, char** argv) {
  CLI::App app{
      "tapd-bench measures tapd on this machine. Figures are spreads: look at p50 first, the "
      "maximum also shows what else the machine did."};
  bool as_json = false;
  app.add_flag("--json", as_json, "one JSON object per figure and line");
  app.require_subcommand(1);
  app.fallthrough();

  CLI::App* pour =
      app.add_subcommand("pour", "cut-off, card to valve, pulses, memory (about 6 min)");
  tapd::bench::PourBenchOptions options;
  options.tapd =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../../daemon/tapd";
  bool quick = false;
  pour->add_option("--pours", options.pours, "pours per flow and meter")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  pour->add_option("--tapd", options.tapd, "the program whose memory is measured")
      ->check(CLI::ExistingFile);
  pour->add_flag("--quick", quick, "40 pours each (about half a minute)");

  CLI::App* drivers = app.add_subcommand("drivers", "pulses, reader, meter, valve (about 1 min)");
  tapd::bench::DriversBenchOptions drivers_options;
  drivers->add_flag("--quick", drivers_options.quick, "a tenth of the repetitions");
  CLI::App* storage =
      app.add_subcommand("storage", "commits, a file of 1,000,000 pours, bytes (about 5 min)");
  tapd::bench::StorageBenchOptions storage_options;
  storage->add_option("--commits", storage_options.commits, "commits of each kind")
      ->capture_default_str()
      ->check(CLI::Range(40, 1'000'000));
  storage->add_option("--pours", storage_options.pours, "pours in the large file")
      ->capture_default_str()
      ->check(CLI::Range(2'000, 10'000'000));
  bool storage_quick = false;
  storage->add_flag("--quick", storage_quick, "200 commits, a file of 20,000 pours");

  CLI::App* sync = app.add_subcommand("sync", "the queue to the server (about 10 min)");
  bool sync_quick = false;
  sync->add_flag("--quick", sync_quick, "a twentieth of the rows (about a minute)");
  std::vector<std::string> sync_parts;
  sync->add_option("--part", sync_parts, "only this part; may be given several times")
      ->check(CLI::IsMember({"drain", "far", "snapshot", "fleet", "schedules", "served"}));
  CLI11_PARSE(app, argc, argv);

  const tapd::bench::Report report{as_json};
  if (storage->parsed()) {
    if (storage_quick) storage_options = {.commits = 200, .pours = 20'000};
    run_storage(storage_options, report);
    return 0;
  }
  if (sync->parsed()) {
    tapd::bench::SyncBenchOptions sync_options;
    if (sync_quick) sync_options = tapd::bench::SyncBenchOptions::quick();
    run_sync(sync_options, sync_parts, report);
    return 0;
  }
  if (drivers->parsed()) {
    run_drivers(drivers_options, report);
    return 0;
  }
  if (quick) {
    options.pours = 40;
    options.idle = std::chrono::seconds{3};
  }
  run_pour(options, report);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tapd-bench: {}\n", error.what());
    return 1;
  }
}
