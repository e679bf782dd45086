// tapd-sim: plays simulated bars from seeds, tells what went wrong, and how to see it again.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "campaign.hpp"
#include "trace.hpp"

namespace {

using namespace tapd::simulation;

constexpr std::uint64_t as_many_as_it_takes = 1'000'000'000;

struct Wishes {
  std::optional<std::uint64_t> seed;
  std::uint64_t seeds{0};
  double years{0};
  std::int64_t minutes{0};
  std::string with;
  std::string without;
  std::int64_t days{0};
  std::int64_t taps{0};
  unsigned threads{std::max(std::thread::hardware_concurrency(), 1U)};
  std::string seeds_file;
  bool trace{false};
  bool keep{false};
  bool first_failure{false};
};

double seconds_now() {
  // tidy: allow clock, because what is told is the pace on the wall
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

void show_progress(const Budget& budget, const Totals& totals, double started) {
  if (::isatty(STDERR_FILENO) != 1) return;
  const double passed = seconds_now() - started;
  double share = static_cast<double>(totals.seeds) / static_cast<double>(budget.seeds);
  if (budget.years > 0) share = totals.tap_years / budget.years;
  if (budget.time.count() > 0) {
    share = std::max(share, passed / static_cast<double>(budget.time.count()));
  }
  constexpr double width = 30;
  const auto full = static_cast<std::size_t>(width * std::min(share, 1.0));
  fmt::print(stderr, "\r\033[K  [{:<30}] {} seeds, {:.1f} tap-years, {} failed",
             std::string(full, '='), totals.seeds, totals.tap_years, totals.findings.size());
  std::fflush(stderr);
}

std::string list_of(const std::string& option, const Faults& faults) {
  std::string names;
  for (std::size_t i = 0; i < fault_count; ++i) {
    if (faults[i]) names += (names.empty() ? option : ",") + std::string{to_text(Fault(i))};
  }
  return names;
}

/// How to see a plan fail again.
std::string command_of(const Plan& plan) {
  const Plan drawn = draw_plan(plan.seed);
  std::string command = fmt::format("./dev sim --seed {}", plan.seed);
  command += list_of(" --with ", plan.faults & ~drawn.faults);
  command += list_of(" --without ", drawn.faults & ~plan.faults);
  if (plan.days != drawn.days) command += fmt::format(" --days {}", plan.days);
  if (plan.taps != drawn.taps) command += fmt::format(" --taps {}", plan.taps);
  return command + " --trace";
}

void tell_smallest(const Finding& finding) {
  fmt::print("seed {} made smaller:\n", finding.plan.seed);
  const Finding smallest =
      shrink(finding, [](const std::string& step) { fmt::print("  {}\n", step); });
  fmt::print("  the smallest plan that fails so:  {}\n  {}\n    {}\n", command_of(smallest.plan),
             to_text(smallest.plan), smallest.failure.what);
  std::fflush(stdout);
}

void tell(const Finding& finding, bool keep) {
  fmt::print("FAILED {}: seed {}, at {}: {}\n  {}\n", finding.failure.rule, finding.plan.seed,
             clock_text(finding.failure.at), finding.failure.what, to_text(finding.plan));
  fmt::print("  again, step by step:  {}\n", command_of(finding.plan));
  std::fflush(stdout);
  if (!keep) tell_smallest(finding);
}

void tell(const Totals& totals, double seconds, const char* how) {
  fmt::print(
      "{} seeds {}, {:.2f} tap-years, {} pours ({} weighed against what flowed), {} power "
      "cuts and {} kills, {} pours cut off by them: {} failed\n",
      totals.seeds, how, totals.tap_years, totals.pours, totals.weighed, totals.power_cuts,
      totals.kills, totals.cut_off, totals.findings.size());
  fmt::print("{:.1f} tap-years per minute on the wall ({:.0f} s)\n",
             totals.tap_years * 60 / std::max(seconds, 1e-3), seconds);
}

Plan plan_of(std::uint64_t seed, const Wishes& wishes) {
  Plan plan = draw_plan(seed);
  const auto set = [&plan](const std::string& list, bool there) {
    std::istringstream names{list};
    for (std::string name; std::getline(names, name, ',');) {
      plan.faults.set(static_cast<std::size_t>(fault_named(name)), there);
    }
  };
  set(wishes.with, true);
  set(wishes.without, false);
  if (wishes.days > 0) plan.days = wishes.days;
  if (wishes.taps > 0) plan.taps = static_cast<std::size_t>(wishes.taps);
  return plan;
}

int run_one(const Wishes& wishes) {
  const Plan plan = plan_of(*wishes.seed, wishes);
  fmt::print("seed {}: {}\n", plan.seed, to_text(plan));
  std::fflush(stdout);
  const Outcome outcome = wishes.trace ? run_bar(plan, true) : run_plan(plan, true);
  if (outcome.failure) {
    tell(Finding{plan, *outcome.failure}, wishes.keep || wishes.trace);
    return 1;
  }
  fmt::print("held: {} pours ({} weighed), {} power cuts, {} kills, trace {:016x}\n", outcome.pours,
             outcome.weighed, outcome.power_cuts, outcome.kills, outcome.hash);
  return 0;
}

int run_many(const Budget& budget, bool keep, const char* how) {
  const double started = seconds_now();
  std::size_t told = 0;
  const Totals totals = run_campaign(budget, [&](const Totals& so_far) {
    if (told < so_far.findings.size()) tell(so_far.findings[told++], true);
    show_progress(budget, so_far, started);
  });
  if (::isatty(STDERR_FILENO) == 1) fmt::print(stderr, "\r\033[K");
  std::set<std::string> rules;
  for (const Finding& finding : totals.findings) {
    // One plan of each kind is made small.
    if (!keep && rules.insert(finding.failure.rule).second) tell_smallest(finding);
  }
  tell(totals, seconds_now() - started, how);
  return totals.findings.empty() ? 0 : 1;
}

/// Seeds that have failed once, a line each: the seed, then why. Answers how many fail again.
int run_file(const std::string& name) {
  std::ifstream file{name};
  if (!file) throw std::runtime_error{name + ": cannot be read"};
  int failed = 0;
  int held = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    Budget one;
    one.first_seed = std::stoull(line);
    const Totals totals = run_campaign(one, [](const Totals&) {});
    for (const Finding& finding : totals.findings) tell(finding, true);
    failed += static_cast<int>(totals.findings.size());
    held += totals.findings.empty() ? 1 : 0;
  }
  fmt::print("{}: {} seeds that failed once hold now, {} fail\n",
             std::filesystem::path{name}.filename().string(), held, failed);
  return failed;
}

/// Fresh seeds: other ones in each run, printed.
std::uint64_t fresh_seed() {
  // tidy: allow clock, because fresh seeds must differ from run to run
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count() % 1'000'000'000);
}

// SQLite counts every allocation behind one lock: bars side by side would wait for each other.
void share_nothing() {
  if (::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK) {
    throw std::logic_error{"SQLite was in use before it could be told"};
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Plays whole bars in virtual time, each from a seed, with faults, kills and power "
      "cuts, and checks at every step what must always hold."};
  Wishes wishes;
  app.add_option("--seed", wishes.seed, "this seed (with --seeds: from this one on)");
  app.add_option("--seeds", wishes.seeds, "so many seeds");
  app.add_option("--years", wishes.years, "until so many tap-years have passed");
  app.add_option("--minutes", wishes.minutes, "until so many minutes on the wall have passed");
  app.add_option("--with", wishes.with, "puts faults into each plan: a,b,c");
  app.add_option("--without", wishes.without, "takes faults out of each plan: a,b,c");
  app.add_option("--days", wishes.days, "so many days instead of a plan's");
  app.add_option("--taps", wishes.taps, "so many taps instead of a plan's")
      ->check(CLI::Range(1, 8));
  app.add_option("--threads", wishes.threads, "so many bars side by side")
      ->capture_default_str()
      ->check(CLI::Range(1U, 256U));
  app.add_option("--again", wishes.seeds_file, "first the seeds of this file");
  app.add_flag("--trace", wishes.trace, "tells step by step what happens");
  app.add_flag("--first-failure", wishes.first_failure, "ends with the first seed that fails");
  app.add_flag("--no-shrink", wishes.keep, "does not look for the smallest plan that fails");
  CLI11_PARSE(app, argc, argv);
  try {
    share_nothing();
    const bool one = wishes.seed && wishes.seeds == 0 && wishes.years <= 0 && wishes.minutes == 0;
    if (one) return run_one(wishes);
    static_cast<void>(plan_of(1, wishes));  // A name that no fault has is told before all else.
    Budget budget;
    budget.first_seed = wishes.seed.value_or(fresh_seed());
    budget.years = wishes.years;
    budget.time = std::chrono::minutes{wishes.minutes};
    const bool open_end = wishes.years > 0 || wishes.minutes > 0;
    budget.seeds = wishes.seeds > 0 ? wishes.seeds : open_end ? as_many_as_it_takes : 20;
    budget.first_failure = wishes.first_failure;
    budget.twice = !wishes.first_failure;
    budget.threads = wishes.threads;
    budget.plan = [&wishes](std::uint64_t seed) { return plan_of(seed, wishes); };
    int failed = wishes.seeds_file.empty() ? 0 : run_file(wishes.seeds_file);
    fmt::print("seeds from {} on\n", budget.first_seed);
    std::fflush(stdout);
    failed += run_many(budget, wishes.keep, "twice each");
    return failed == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tapd-sim: {}\n", error.what());
    return 2;
  }
}
