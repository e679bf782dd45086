#include "drivers/sim/sim_tap.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <cmath>

#include "tests/drivers/sim_tap_bench.hpp"

namespace tapd::drivers::sim {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::WithinAbs;

constexpr SinceBoot start = bench_start;

TEST_CASE("beer runs only through an open valve with a hand on the handle", "[sim][tap]") {
  const auto [open, pulled] = GENERATE(table<bool, double>({{true, 0}, {false, 60}, {false, 0}}));
  Bench bench{SimTapPlan{}};
  bench.tap.pull(pulled);
  bench.tap.command_valve(open);
  bench.run(24h);
  CHECK(bench.edges.empty());
  CHECK(bench.tap.truth().passed_ul == 0);
  CHECK_FALSE(bench.tap.next_edge());
}

TEST_CASE("a ramp's sum is found again by its time", "[sim][ramp]") {
  const Ramp ramp = GENERATE(Ramp{100, 0}, Ramp{0, 50}, Ramp{100, 50}, Ramp{100, -20});
  const double seconds = GENERATE(1e-9, 0.001, 1.0, 4.9);
  CAPTURE(ramp.value, ramp.per_s, seconds);
  const auto found = seconds_to_sum(ramp, ramp.sum(seconds));
  REQUIRE(found);
  CHECK_THAT(*found, WithinAbs(seconds, 1e-9));
  CHECK(seconds_to_sum(ramp, 0) == 0.0);
}

TEST_CASE("what a ramp never reaches has no time", "[sim][ramp]") {
  CHECK_FALSE(seconds_to_sum({0, 0}, 1));
  CHECK_FALSE(seconds_to_sum({10, -10}, 5.1));  // It turns back after 5.
  CHECK_FALSE(seconds_to_sum({-1, 0}, 1));
  CHECK_FALSE(seconds_to_value({10, 0}, 10));
  CHECK_FALSE(seconds_to_value({10, -1}, 11));
  CHECK(seconds_to_value({10, -1}, 9) == 1.0);
}

TEST_CASE("edges over K are the true volume to half a pulse", "[sim][tap]") {
  const std::int64_t milli_pulses = GENERATE(450'000, 2'694'000, 5'600'000, 17'000'000);
  const double ml_per_s = GENERATE(10.0, 60.0, 200.0);
  CAPTURE(milli_pulses, ml_per_s);

  SECTION("in a whole pour, when the meter is exact at any flow") {
    SimTapPlan plan = exact();
    plan.meter.milli_pulses_per_litre = milli_pulses;
    Bench bench{plan};
    bench.open(ml_per_s);
    bench.run(10s);
    bench.tap.command_valve(false);
    bench.run(10s);
    CHECK_THAT(bench.pulses(), WithinAbs(bench.passed_ml() * bench.pulses_per_ml(), 0.5));
  }
  SECTION("at nominal flow, with a real meter") {
    SimTapPlan plan = quiet();
    plan.meter.milli_pulses_per_litre = milli_pulses;
    Bench bench{plan};
    bench.open(ml_per_s);
    bench.run(1s);
    const double pulses = bench.pulses();
    const double ml = bench.passed_ml();
    bench.run(10s);
    CHECK_THAT(bench.pulses() - pulses,
               WithinAbs((bench.passed_ml() - ml) * bench.pulses_per_ml(), 0.5));
  }
}

TEST_CASE("below its knee the meter reads too little, below its stall nothing", "[sim][tap]") {
  double last_share = 1.0;
  for (const double ml_per_s : {8.0, 6.0, 4.0, 2.0, 1.6, 1.5, 1.0}) {
    CAPTURE(ml_per_s);
    SimTapPlan plan = quiet();
    plan.meter.knee_ml_per_s = 7.9;
    Bench bench{plan};
    bench.open(ml_per_s);
    bench.run(100s);
    const double share = bench.pulses() / (bench.passed_ml() * bench.pulses_per_ml());
    CHECK_THAT(bench.passed_ml(), WithinAbs(100 * ml_per_s, ml_per_s));
    if (ml_per_s > plan.meter.knee_ml_per_s) {
      CHECK_THAT(share, WithinAbs(1.0, 0.001));
    } else if (ml_per_s > plan.meter.stall_ml_per_s) {
      CHECK(share < last_share);
      // A straight line from nothing at the stall to everything at the knee.
      const double pulses_per_s = (ml_per_s - 1.5) / (7.9 - 1.5) * 7.9 * bench.pulses_per_ml();
      CHECK_THAT(bench.pulses(), WithinAbs(100 * pulses_per_s, 2));
    } else {
      CHECK(share == 0);
    }
    last_share = share;
  }
}

TEST_CASE("what passes after the valve was told to shut is its ramp and the drips", "[sim][tap]") {
  const double ml_per_s = GENERATE(5.0, 60.0, 200.0);
  const int drips = GENERATE(0, 1, 5);
  CAPTURE(ml_per_s, drips);
  SimTapPlan plan;
  plan.valve.drips = drips;
  Bench bench{plan};
  bench.open(ml_per_s);
  bench.run(3s);
  bench.tap.command_valve(false);
  const Truth at_shut = bench.tap.truth();
  // Opened after 15 ms, in 20 ms; shut after 20 ms, in 30 ms.
  CHECK_THAT(static_cast<double>(at_shut.while_open_ul),
             WithinAbs(ml_per_s * 1000 * (3.0 - 0.015 - 0.010), 2));
  CHECK(at_shut.after_shut_ul == 0);

  bench.run(51ms);
  const double ramp_ul = ml_per_s * 1000 * (0.020 + 0.015);
  CHECK_THAT(static_cast<double>(bench.tap.truth().after_shut_ul), WithinAbs(ramp_ul, 2));
  bench.run(10s);
  const Truth done = bench.tap.truth();
  CHECK_THAT(static_cast<double>(done.after_shut_ul), WithinAbs(ramp_ul + drips * 50.0, 2));
  CHECK(done.while_open_ul == at_shut.while_open_ul);
  CHECK(done.passed_ul == done.while_open_ul + done.after_shut_ul);
  CHECK(done.valve_opens == 1);
}

TEST_CASE("nothing drips when the hand let go, and an opening ends the drips", "[sim][tap]") {
  SimTapPlan plan;
  plan.valve.drips = 100;
  Bench bench{plan};
  bench.open(60);
  bench.run(1s);
  SECTION("let go before the valve shuts") {
    bench.tap.pull(0);
    bench.tap.command_valve(false);
    bench.run(1min);
    CHECK(bench.tap.truth().after_shut_ul == 0);
  }
  SECTION("let go after three drops") {
    bench.tap.command_valve(false);
    bench.run(50ms + 3 * 300ms + 100ms);
    bench.tap.pull(0);
    bench.run(1min);
    CHECK_THAT(static_cast<double>(bench.tap.truth().after_shut_ul), WithinAbs(2100 + 150, 2));
  }
  SECTION("opened again after three drops") {
    bench.tap.command_valve(false);
    bench.run(50ms + 3 * 300ms + 100ms);
    bench.tap.command_valve(true);
    bench.run(1s);
    CHECK_THAT(static_cast<double>(bench.tap.truth().after_shut_ul), WithinAbs(2100 + 150, 2));
  }
}

TEST_CASE("the impeller runs on when the flow has ended", "[sim][tap]") {
  SimTapPlan plan = exact();
  plan.valve.shuts_after = 0us;
  plan.valve.shuts_in = 0us;
  plan.valve.drips = 0;
  plan.meter.run_on = 40ms;
  const double ml_per_s = GENERATE(60.0, 200.0);
  Bench bench{plan};
  bench.open(ml_per_s);
  bench.run(3s);
  bench.tap.command_valve(false);
  const SinceBoot shut = bench.tap.now();
  const double pulses = bench.pulses();
  const double ml = bench.passed_ml();
  bench.run(10s);
  CHECK(bench.passed_ml() == ml);
  CHECK_THAT(bench.pulses() - pulses, WithinAbs(ml_per_s * 5.6 * 0.040 / 2, 0.75));
  CHECK(bench.edges.back().stamp > shut + 20ms);
  CHECK(bench.edges.back().stamp <= shut + 40ms);
}

TEST_CASE("a valve that is told otherwise before it moves does not move", "[sim][tap]") {
  Bench bench{SimTapPlan{}};
  bench.open(60);
  bench.run(14ms);
  bench.tap.command_valve(false);
  bench.run(1min);
  CHECK(bench.tap.truth().passed_ul == 0);

  bench.tap.command_valve(true);
  bench.run(25ms);  // Half open.
  bench.tap.command_valve(false);
  bench.run(1min);
  const Truth truth = bench.tap.truth();
  // 10 ms to the half, 10 ms to the whole, 10 ms whole, 30 ms back, at 60 ml/s; and two drops.
  CHECK_THAT(static_cast<double>(truth.passed_ul), WithinAbs(60 * (10 + 10 + 15) + 100, 2));
  CHECK(truth.valve_opens == 2);
}

TEST_CASE("the line gives no more than it can", "[sim][tap]") {
  SimTapPlan plan;
  plan.most_ml_per_s = 100;
  Bench bench{plan};
  bench.open(1000);
  bench.run(10s);
  CHECK_THAT(bench.passed_ml(), WithinAbs(1000, 3));
}

TEST_CASE("an empty keg gives gas, fast, and then nothing", "[sim][tap]") {
  SimTapPlan plan = exact();
  plan.keg_ml = 100;
  plan.gas_after_empty_ml = 180;
  Bench bench{plan};
  bench.open(60);
  bench.run(1s);
  const double liquid_pulses_per_s = bench.pulses() / (1 - 0.025);
  CHECK_THAT(liquid_pulses_per_s, WithinAbs(60 * 5.6, 1));
  bench.run(1min);
  const Truth truth = bench.tap.truth();
  CHECK_THAT(static_cast<double>(truth.passed_ul), WithinAbs(100'000, 1));
  CHECK(truth.keg_ul == 0);
  CHECK(truth.gas_left_ul == 0);
  CHECK_THAT(bench.pulses(), WithinAbs((100 + 180) * 5.6, 1));
  // 180 ml of gas at 1.8 * 60 ml/s.
  const double end_s = 0.025 + 100.0 / 60 + 180.0 / 108;
  CHECK_THAT(std::chrono::duration<double>(bench.edges.back().stamp - start).count(),
             WithinAbs(end_s, 0.01));

  bench.tap.connect_keg(1000);
  bench.run(10s);
  CHECK_THAT(bench.passed_ml(), WithinAbs(700, 0.01));
  CHECK_THAT(static_cast<double>(bench.tap.truth().keg_ul), WithinAbs(400'000, 10));
}

TEST_CASE("foam turns the impeller faster and is no liquid", "[sim][tap]") {
  Bench bench{quiet()};
  bench.open(60);
  bench.run(1s);
  const Truth before = bench.tap.truth();
  const double pulses = bench.pulses();
  bench.tap.set_foam(true);
  bench.run(1s);
  CHECK(bench.tap.truth().passed_ul == before.passed_ul);
  CHECK(bench.tap.truth().keg_ul == before.keg_ul);
  CHECK(bench.tap.truth().gas_left_ul == before.gas_left_ul);
  CHECK_THAT(bench.pulses() - pulses, WithinAbs(1.8 * 60 * 5.6, 1));
  bench.tap.set_foam(false);
  bench.run(1s);
  CHECK_THAT(bench.passed_ml() - static_cast<double>(before.passed_ul) / 1000, WithinAbs(60, 0.01));
}

TEST_CASE("a leak runs whatever valve and hand do", "[sim][tap]") {
  Bench bench{quiet()};
  bench.tap.set_leak(4);
  bench.run(100s);
  CHECK_THAT(static_cast<double>(bench.tap.truth().after_shut_ul), WithinAbs(400'000, 1));
  CHECK(bench.pulses() > 0);
  bench.open(60);
  bench.run(10s);
  CHECK_THAT(static_cast<double>(bench.tap.truth().while_open_ul),
             WithinAbs(40'000 + 60'000 * (10 - 0.025), 10));
}

TEST_CASE("a stuck valve stands where it is stuck, whatever it is told", "[sim][tap]") {
  Bench bench{SimTapPlan{}};
  bench.open(60);
  bench.run(1s);
  SECTION("open") {
    bench.tap.set_valve(ValveCondition::stuck_open);
    bench.tap.command_valve(false);
    const Truth before = bench.tap.truth();
    bench.run(10s);
    CHECK(bench.tap.truth().after_shut_ul == 600'000);
    CHECK(bench.tap.truth().while_open_ul == before.while_open_ul);
    bench.tap.set_valve(ValveCondition::ok);
    bench.run(10s);
    CHECK_THAT(static_cast<double>(bench.tap.truth().after_shut_ul),
               WithinAbs(600'000 + 900 + 100, 2));
  }
  SECTION("shut") {
    bench.tap.set_valve(ValveCondition::stuck_shut);
    bench.run(1s);
    const Truth before = bench.tap.truth();
    bench.tap.command_valve(false);
    bench.tap.command_valve(true);
    bench.run(10s);
    CHECK(bench.tap.truth().passed_ul == before.passed_ul);
    bench.tap.set_valve(ValveCondition::ok);
    bench.run(1s);
    CHECK(bench.tap.truth().while_open_ul > before.while_open_ul + 59'000);
  }
}

TEST_CASE("time that has passed already does nothing, and idle years cost nothing", "[sim][tap]") {
  Bench bench{SimTapPlan{}};
  bench.open(60);
  bench.run(1s);
  const Truth truth = bench.tap.truth();
  bench.tap.advance_to(start, bench.edges);
  CHECK(bench.tap.truth() == truth);
  CHECK(bench.tap.now() == start + 1s);
  bench.tap.pull(0);
  for (int year = 0; year < 50; ++year) bench.run(24h * 365);
  CHECK(bench.tap.truth().passed_ul == truth.passed_ul);
}

TEST_CASE("counters and keg go on from what they were", "[sim][tap]") {
  const SimTapPlan plan;
  Bench first{plan};
  first.open(60);
  first.run(10s);
  const Truth before = first.tap.truth();
  SimTap second{plan, 2, start, before};
  CHECK(second.truth() == before);
  std::vector<Edge> edges;
  second.pull(60);
  second.command_valve(true);
  second.advance_to(start + 10s, edges);
  const Truth after = second.truth();
  CHECK(after.keg_ul == plan.keg_ml * 1000 - after.passed_ul);
  CHECK(after.passed_ul == 2 * before.passed_ul);
  CHECK(after.edges == before.edges + static_cast<std::int64_t>(edges.size()));
  CHECK(after.valve_opens == 2);
}

void anything(SimTap& tap, Dice& dice, double& connected_ml) {
  const double rate = dice.between(0, 300);
  switch (dice.next() % 12) {
    case 0:
    case 1:
    case 2:
      return tap.command_valve(true);
    case 3:
    case 4:
      return tap.command_valve(false);
    case 5:
    case 6:
      return tap.pull(rate);
    case 7:
      return tap.set_foam(dice.chance(0.3));
    case 8:
      return tap.set_leak(dice.chance(0.3) ? rate / 50 : 0);
    case 9:
      return tap.set_valve(static_cast<ValveCondition>(dice.next() % 3));
    case 10:
      return tap.set_meter({.silent = dice.chance(0.2), .noise_per_s = rate / 5});
    default:
      connected_ml += rate - static_cast<double>(tap.truth().keg_ul) / 1000;
      return tap.connect_keg(rate);
  }
}

// Whatever is done to it: nothing comes from nowhere, and edges come in order and in time.
TEST_CASE("the simulated tap keeps its books for any sequence of commands", "[sim][tap]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Dice dice{seed, 99};
    SimTapPlan plan;
    plan.keg_ml = 300;
    Bench bench{plan, seed};
    double connected_ml = 300;
    for (int i = 0; i < 300; ++i) {
      anything(bench.tap, dice, connected_ml);
      const auto next = bench.tap.next_edge();
      const std::size_t before = bench.edges.size();
      const Truth was = bench.tap.truth();
      bench.run(SinceBoot{static_cast<std::int64_t>(dice.between(0, 1) * dice.between(0, 5e8))});
      const Truth is = bench.tap.truth();
      REQUIRE(is.passed_ul == is.while_open_ul + is.after_shut_ul);
      REQUIRE(is.passed_ul >= was.passed_ul);
      REQUIRE(std::abs(static_cast<double>(is.passed_ul + is.keg_ul) - connected_ml * 1000) < 300);
      REQUIRE(is.edges == static_cast<std::int64_t>(bench.edges.size()));
      if (bench.edges.size() > before) REQUIRE(bench.edges[before].stamp == next);
    }
    REQUIRE(std::is_sorted(bench.edges.begin(), bench.edges.end(),
                           [](const Edge& a, const Edge& b) { return a.stamp < b.stamp; }));
    REQUIRE(bench.edges.back().stamp <= bench.tap.now());
  }
}

}  // namespace
}  // namespace tapd::drivers::sim
