#include "drivers/sim/sim_tap.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include "tests/drivers/sim_tap_bench.hpp"

namespace tapd::drivers::sim {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::WithinAbs;

/// What the filter of a real meter makes of the edges.
MeterReading filtered(const std::vector<Edge>& edges) {
  EdgeFilter filter{200us};
  for (const Edge& edge : edges) filter.take(edge);
  return filter.drain(edges.back().stamp + 1h);
}

/// Edges in a form that can be compared.
using Marks = std::vector<std::pair<SinceBoot, bool>>;
Marks marks(const std::vector<Edge>& edges) {
  Marks all;
  for (const Edge& edge : edges) all.emplace_back(edge.stamp, edge.rising);
  return all;
}

std::ptrdiff_t repeated_levels(const std::vector<Edge>& edges) {
  std::ptrdiff_t count = 0;
  for (std::size_t i = 1; i < edges.size(); ++i) {
    if (edges[i].rising == edges[i - 1].rising) ++count;
  }
  return count;
}

TEST_CASE("bounce is removed by a filter of 200 us and nothing else is", "[sim][tap]") {
  const double ml_per_s = GENERATE(5.0, 60.0, 200.0);
  SimTapPlan bouncing = quiet();
  bouncing.meter.bounce_rate = 0.5;
  Bench clean{quiet()};
  Bench dirty{bouncing};
  for (Bench* bench : {&clean, &dirty}) {
    bench->open(ml_per_s);
    bench->run(10s);
    bench->tap.command_valve(false);
    bench->run(10s);
  }
  REQUIRE(dirty.edges.size() > clean.edges.size() * 2);
  CHECK(filtered(clean.edges).rejected == 0);
  const auto count = static_cast<std::int64_t>(clean.edges.size());
  const MeterReading reading = filtered(dirty.edges);
  CHECK(reading.edges == count);
  CHECK(reading.rejected == static_cast<std::int64_t>(dirty.edges.size()) - count);
  CHECK(reading.out_of_turn == 0);
  CHECK(reading.edges_lost == 0);
}

/// A pour with everything in it, in steps of the given length.
Marks evening(std::uint64_t seed, std::chrono::nanoseconds step, Truth& truth) {
  SimTapPlan plan;
  plan.keg_ml = 400;
  plan.meter.lost_edge_rate = 0.01;
  Bench bench{plan, seed};
  const auto run = [&](std::chrono::nanoseconds duration) {
    const SinceBoot end = bench.tap.now() + duration;
    while (bench.tap.now() + step < end) bench.run(step);
    bench.run(end - bench.tap.now());
  };
  bench.open(60);
  run(2s);
  bench.tap.command_valve(false);
  run(2s);
  bench.tap.set_meter({.noise_per_s = 30});
  bench.tap.set_leak(3);
  run(2s);
  bench.tap.set_foam(true);
  bench.tap.command_valve(true);
  run(500ms);
  bench.tap.set_foam(false);
  run(10s);
  truth = bench.tap.truth();
  return marks(bench.edges);
}

TEST_CASE("the same seed gives the same edges, however often anybody looks", "[sim][tap]") {
  Truth truth;
  const Marks edges = evening(7, 1h, truth);
  REQUIRE(edges.size() > 4000);
  CHECK(truth.keg_ul == 0);
  for (const SinceBoot step : {SinceBoot{1s}, SinceBoot{7ms}, SinceBoot{333us}}) {
    Truth again;
    CHECK(evening(7, step, again) == edges);
    CHECK(again == truth);
  }
  Truth other;
  CHECK(evening(8, 1h, other) != edges);
}

TEST_CASE("the next edge is known to the nanosecond", "[sim][tap]") {
  SimTapPlan plan;
  plan.meter.bounce_rate = 0.1;
  plan.keg_ml = 250;
  Bench bench{plan};
  const auto follow = [&](std::chrono::nanoseconds duration) {
    const SinceBoot end = bench.tap.now() + duration;
    std::size_t met = 0;
    for (auto next = bench.tap.next_edge(); next && *next <= end; next = bench.tap.next_edge()) {
      const std::size_t before = bench.edges.size();
      REQUIRE(*next > bench.tap.now());
      bench.tap.advance_to(*next - 1ns, bench.edges);
      REQUIRE(bench.edges.size() == before);
      bench.tap.advance_to(*next, bench.edges);
      REQUIRE(bench.edges.size() > before);
      REQUIRE(bench.edges.back().stamp == *next);
      ++met;
    }
    const std::size_t before = bench.edges.size();
    bench.tap.advance_to(end, bench.edges);
    CHECK(bench.edges.size() == before);
    return met;
  };
  CHECK(follow(1s) == 0);
  bench.open(60);
  CHECK(follow(2s) > 1000);
  bench.tap.command_valve(false);
  CHECK(follow(2s) > 20);
  bench.tap.set_meter({.noise_per_s = 50});
  CHECK(follow(2s) > 150);
  bench.tap.set_meter({});
  bench.open(100);
  CHECK(follow(10s) > 2000);
  CHECK(bench.tap.truth().keg_ul == 0);
  CHECK(bench.tap.truth().gas_left_ul == 0);
  CHECK_FALSE(bench.tap.next_edge());
}

TEST_CASE("noise makes whole pulses without flow", "[sim][tap]") {
  Bench bench{quiet()};
  bench.tap.set_meter({.noise_per_s = 50});
  bench.run(100s);
  CHECK_THAT(bench.pulses(), WithinAbs(5000, 100));
  CHECK(filtered(bench.edges).rejected == 0);
  CHECK(bench.tap.truth().passed_ul == 0);
  bench.tap.set_meter({});
  bench.run(10ms);
  const std::size_t count = bench.edges.size();
  bench.run(1h);
  CHECK(bench.edges.size() == count);
}

TEST_CASE("a silent meter says nothing while beer runs", "[sim][tap]") {
  Bench bench{quiet()};
  bench.tap.set_meter({.silent = true});
  bench.open(60);
  bench.run(10s);
  CHECK(bench.edges.empty());
  CHECK_FALSE(bench.tap.next_edge());
  CHECK(bench.tap.truth().edges == 0);
  CHECK(bench.passed_ml() > 590);
  bench.tap.set_meter({});
  bench.run(1s);
  CHECK_THAT(bench.pulses(), WithinAbs(60 * 5.6, 10));
}

TEST_CASE("a lost edge leaves no trace but two of one kind in a row", "[sim][tap]") {
  SimTapPlan plan = quiet();
  plan.meter.lost_edge_rate = 0.02;
  Bench whole{quiet()};
  Bench lossy{plan};
  for (Bench* bench : {&whole, &lossy}) {
    bench->open(60);
    bench->run(100s);
  }
  const auto lost = static_cast<double>(whole.edges.size() - lossy.edges.size());
  CHECK_THAT(lost / static_cast<double>(whole.edges.size()), WithinAbs(0.02, 0.002));
  // Two losses side by side leave the turn of levels as it was.
  CHECK_THAT(static_cast<double>(repeated_levels(lossy.edges)), WithinAbs(lost, lost * 0.08));
  CHECK(repeated_levels(whole.edges) == 0);
  CHECK(lossy.passed_ml() == whole.passed_ml());
}

}  // namespace
}  // namespace tapd::drivers::sim
