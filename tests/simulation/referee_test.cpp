// No check that cannot fail: each rule of the referee is shown to see a fault that was planted into
// the simulation for it, and the same bars hold without it.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "campaign.hpp"

namespace tapd::simulation {
namespace {

struct Expected {
  Planted planted{};
  std::vector<std::string> rules;  ///< Any of these may see it first.
  std::vector<Fault> with;         ///< Without these it would not show.
};

Plan small_bar(std::uint64_t seed, const Expected& expected) {
  Plan plan = draw_plan(seed);
  plan.days = 3;
  plan.taps = 2;
  plan.guests = 4;
  // A guest has to come in the minutes for which a tap is closed.
  plan.visits_a_day = expected.planted == Planted::open_again ? 120 : 12;
  plan.tap_to_start = false;
  plan.tells_changes = expected.planted == Planted::forgotten_changes;
  plan.cached_first =
      expected.planted == Planted::generous_policy || expected.planted == Planted::inflated_facts ||
      expected.planted == Planted::many_pours || expected.planted == Planted::stop_not_told;
  // Without snapshots the cache knows nobody.
  if (plan.cached_first) plan.demands_leave = false;
  plan.faults = {};
  for (const Fault fault : expected.with) plan.faults.set(static_cast<std::size_t>(fault));
  return plan;
}

/// Empty if the plan holds.
std::string breach_of(const Outcome& outcome) {
  return outcome.failure ? outcome.failure->what : "";
}

TEST_CASE("each rule of the referee sees what it is for", "[referee]") {
  const auto expected = GENERATE(values<Expected>({
      {Planted::valve_opens_itself, {"leave"}, {}},
      {Planted::valve_ignores_shut, {"leave"}, {}},
      {Planted::meter_counts_double, {"volume"}, {}},
      {Planted::reader_sees_ghosts, {"card"}, {}},
      {Planted::stop_not_told, {"stop", "leave"}, {Fault::emergency_stop}},
      {Planted::patient_tap, {"cap", "silence"}, {}},
      {Planted::begin_not_written, {"lost"}, {}},
      {Planted::progress_not_written, {"lost", "volume"}, {Fault::power_cuts, Fault::kills}},
      {Planted::no_recovery, {"recovery"}, {Fault::kills, Fault::power_cuts}},
      {Planted::generous_policy, {"exposure"}, {Fault::net_down, Fault::server_down}},
      {Planted::inflated_facts, {"overdraft", "balance"}, {}},
      {Planted::inflated_balances, {"balance"}, {}},
      {Planted::forgotten_changes, {"balance", "overdraft"}, {}},
      {Planted::changed_rows, {"once"}, {Fault::net_loss}},
      {Planted::altered_price, {"charge"}, {}},
      {Planted::rows_never_arrive, {"liveness", "lock"}, {}},
      {Planted::double_charge, {"sum", "balance", "overdraft"}, {Fault::net_loss}},
      {Planted::endless_events, {"liveness"}, {Fault::leak}},
      {Planted::changed_begin, {"record"}, {}},
      {Planted::old_medium, {"lost", "queue", "once"}, {Fault::power_cuts}},
      {Planted::backup_alone, {"lost"}, {Fault::power_cuts, Fault::spoilt_card}},
      {Planted::lasting_locks, {"lock"}, {}},
      {Planted::generous_credit, {"overdraft"}, {}},
      {Planted::other_prices, {"price"}, {}},
      {Planted::blind_policy, {"leave"}, {Fault::lost_cards, Fault::net_down}},
      {Planted::turned_away, {"served"}, {}},
      {Planted::false_alarm, {"alarm"}, {}},
      {Planted::late_ticks, {"cap"}, {}},
      {Planted::many_pours, {"exposure"}, {Fault::net_down, Fault::server_down}},
      {Planted::open_again, {"closed"}, {Fault::staff, Fault::kills, Fault::restarts}},
      {Planted::long_service, {"service"}, {Fault::staff}},
      {Planted::short_tail, {"unbilled"}, {Fault::valve_slow}},
      {Planted::wrong_payer, {"charge", "once"}, {Fault::cards_pass, Fault::net_down}},
      {Planted::short_window, {"limits"}, {Fault::serving_limits}},
      {Planted::large_glass, {"limits"}, {Fault::serving_limits}},
      {Planted::lasting_lift, {"limits"}, {Fault::serving_limits}},
      {Planted::anyones_menu, {"menu"}, {Fault::serving_limits}},
      {Planted::deaf_to_silence, {"silence"}, {Fault::meter_silent}},
      {Planted::swapped_rows, {"charge"}, {Fault::net_down}},
      {Planted::refusals_ignored, {"leave"}, {Fault::lost_cards, Fault::tap_locked}},
      {Planted::unsteady, {"determinism"}, {}},
  }));
  constexpr std::uint64_t most_seeds = 40;
  std::string seen;
  std::string told;
  for (std::uint64_t seed = 1; seed <= most_seeds && seen.empty(); ++seed) {
    Plan plan = small_bar(seed, expected);
    INFO("planted " << static_cast<int>(expected.planted) << ", seed " << seed);
    const std::string of_the_honest = breach_of(run_plan(plan, false));
    INFO(of_the_honest);
    REQUIRE(of_the_honest.empty());
    plan.planted = expected.planted;
    const Outcome outcome = run_plan(plan, plan.planted == Planted::unsteady);
    if (!outcome.failure) continue;
    seen = outcome.failure->rule;
    told = outcome.failure->what + ", seed " + std::to_string(seed);
  }
  INFO("planted " << static_cast<int>(expected.planted) << ", seen as \"" << seen
                  << "\": " << told);
  CHECK(std::count(expected.rules.begin(), expected.rules.end(), seen) == 1);
}

TEST_CASE("a pour whose keg ran dry is not weighed, though the next keg comes while it runs",
          "[referee]") {
  Plan plan = draw_plan(7047);
  plan.days = 1;
  plan.taps = 5;
  plan.faults = {};
  for (const Fault fault : {Fault::short_kegs, Fault::hostile}) {
    plan.faults.set(static_cast<std::size_t>(fault));
  }
  const std::string breach = breach_of(run_plan(plan, false));
  INFO(breach);
  CHECK(breach.empty());
}

TEST_CASE("a plan without a fault draws the rest as before", "[plan]") {
  const Plan plan = draw_plan(7);
  Plan less = plan;
  less.faults.reset();
  CHECK(plan.stream(5).next() == less.stream(5).next());
  CHECK(draw_plan(7).faults == plan.faults);
}

TEST_CASE("a failing plan is made smaller and still fails in the same way", "[shrink]") {
  Plan plan = draw_plan(3);
  plan.days = 4;
  plan.taps = 3;
  plan.faults.set(static_cast<std::size_t>(Fault::reader_flicker));
  plan.planted = Planted::altered_price;
  const Outcome outcome = run_plan(plan, false);
  REQUIRE(outcome.failure);
  int steps = 0;
  const Finding smallest =
      shrink({plan, *outcome.failure}, [&steps](const std::string&) { ++steps; });
  CHECK(steps > 0);
  CHECK(smallest.failure.rule == "charge");
  CHECK(smallest.plan.faults.none());
  CHECK(smallest.plan.taps == 1);
}

}  // namespace
}  // namespace tapd::simulation
