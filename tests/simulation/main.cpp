// tapd-sim: plays simulated bars from seeds and tells what went wrong.
#include <chrono>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bar.hpp"

int main(int argc, char** argv) {
  using namespace tapd::simulation;
  CLI::App app{"Plays simulated bars, each from a seed."};
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  bool prints = false;
  app.add_option("--seed", seed);
  app.add_option("--seeds", seeds);
  app.add_flag("--trace", prints);
  CLI11_PARSE(app, argc, argv);
  int failed = 0;
  double years = 0;
  for (std::uint64_t s = seed; s < seed + seeds; ++s) {
    const Plan plan = draw_plan(s);
    const Outcome outcome = run_bar(plan, prints);
    years += std::chrono::duration<double>(outcome.simulated).count() / 86400 / 365.25 *
             double(outcome.taps);
    if (outcome.failure) {
      ++failed;
      fmt::print("seed {} FAIL {} at {}: {}\n    {}\n", s, outcome.failure->rule,
                 outcome.failure->at / std::chrono::seconds{1}, outcome.failure->what,
                 to_text(plan));
    } else if (seeds < 20) {
      fmt::print("seed {} ok {} pours, {} cuts, {} kills, hash {:016x}  {}\n", s, outcome.pours,
                 outcome.power_cuts, outcome.kills, outcome.hash, to_text(plan));
    }
  }
  fmt::print("{} failed, {:.2f} tap-years\n", failed, years);
  return failed == 0 ? 0 : 1;
}
