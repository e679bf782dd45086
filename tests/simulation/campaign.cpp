#include "campaign.hpp"

#include <atomic>
#include <mutex>
#include <thread>

#include <fmt/format.h>

namespace tapd::simulation {
namespace {

constexpr double seconds_in_a_year = 365.25 * 86'400;

double tap_years(const Outcome& outcome) {
  return std::chrono::duration<double>(outcome.simulated).count() / seconds_in_a_year *
         static_cast<double>(outcome.taps);
}

/// Fails in the same way?
std::optional<Failure> still_fails(const Plan& plan, const std::string& rule) {
  const Outcome outcome = run_plan(plan, rule == "determinism");
  if (!outcome.failure || outcome.failure->rule != rule) return std::nullopt;
  return outcome.failure;
}

}  // namespace

Outcome run_plan(const Plan& plan, bool twice) {
  Outcome outcome = run_bar(plan, false);
  if (!twice || outcome.failure) return outcome;
  const Outcome again = run_bar(plan, false);
  if (again.hash != outcome.hash) {
    outcome.failure =
        Failure{"determinism",
                fmt::format("two runs, two traces: {:016x}, {:016x}", outcome.hash, again.hash),
                outcome.simulated};
  }
  return outcome;
}

Totals run_campaign(const Budget& budget, const std::function<void(const Totals&)>& progress) {
  Totals totals;
  std::mutex mutex;
  std::atomic<std::uint64_t> next{0};
  // tidy: allow clock, because the budget is a time on the wall
  const auto deadline = std::chrono::steady_clock::now() + budget.time;
  const auto enough = [&] {
    const std::scoped_lock lock{mutex};
    if (budget.first_failure && !totals.findings.empty()) return true;
    if (budget.years > 0 && totals.tap_years >= budget.years) return true;
    // tidy: allow clock, because the budget is a time on the wall
    return budget.time.count() > 0 && std::chrono::steady_clock::now() >= deadline;
  };
  const auto work = [&] {
    while (!enough()) {
      const std::uint64_t number = next++;
      if (number >= budget.seeds) return;
      const Plan plan = budget.plan(budget.first_seed + number);
      const Outcome outcome = run_plan(plan, budget.twice);
      const std::scoped_lock lock{mutex};
      ++totals.seeds;
      totals.tap_years += tap_years(outcome);
      totals.pours += outcome.pours;
      totals.weighed += outcome.weighed;
      totals.power_cuts += outcome.power_cuts;
      totals.kills += outcome.kills;
      totals.cut_off += outcome.cut_off;
      if (outcome.failure) totals.findings.push_back({plan, *outcome.failure});
      progress(totals);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < budget.threads; ++i) threads.emplace_back(work);
  }
  return totals;
}

Finding shrink(const Finding& finding, const std::function<void(const std::string&)>& told) {
  Finding smallest = finding;
  const auto attempt = [&](const Plan& plan, const std::string& what) {
    const auto failure = still_fails(plan, finding.failure.rule);
    if (!failure) return false;
    smallest = {plan, *failure};
    told("it fails without " + what);
    return true;
  };
  const auto shorten = [&] {
    Plan plan = smallest.plan;
    const auto day = std::chrono::duration_cast<std::chrono::days>(smallest.failure.at).count() + 1;
    if (day >= plan.days) return;
    plan.days = day;
    static_cast<void>(attempt(plan, fmt::format("what comes after day {}", day)));
  };
  shorten();
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (std::size_t i = 0; i < fault_count; ++i) {
      if (!smallest.plan.faults[i]) continue;
      Plan plan = smallest.plan;
      plan.faults.reset(i);
      smaller |= attempt(plan, std::string{to_text(static_cast<Fault>(i))});
    }
    for (Plan plan = smallest.plan; plan.taps > 1;) {
      --plan.taps;
      if (!attempt(plan, "one more tap")) break;
      smaller = true;
    }
    shorten();
  }
  return smallest;
}

}  // namespace tapd::simulation
