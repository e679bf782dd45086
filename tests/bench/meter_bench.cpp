#include <array>
#include <cmath>
#include <ctime>
#include <vector>

#include <fmt/format.h>

#include "drivers_bench.hpp"
#include "metered_tap.hpp"

namespace tapd::bench {
namespace {

using test::MeteredTap;

constexpr std::array<double, 4> flows{20, 60, 100, 200};

/// A turbine with what data sheets are silent about: bearing friction up to a knee, and a run-on.
drivers::sim::SimTapPlan turbine(std::int64_t pulses_per_litre) {
  drivers::sim::SimTapPlan plan = MeteredTap::plan();
  plan.keg_ml = 1'000'000;
  plan.meter.milli_pulses_per_litre = pulses_per_litre * 1'000;
  plan.meter.knee_ml_per_s = 90;
  plan.meter.stall_ml_per_s = 1;
  plan.meter.run_on = std::chrono::milliseconds{80};
  return plan;
}

/// One point as a technician finds it: a steady flow, weighed.
CurvePoint weigh(const drivers::sim::SimTapPlan& plan, double ml_per_s) {
  constexpr std::int64_t seconds = 20;
  drivers::sim::SimTap tap{plan, 1, MeteredTap::start, drivers::sim::unused(plan)};
  drivers::EdgeFilter filter{plan.shortest_interval};
  std::vector<drivers::Edge> edges;
  tap.pull(ml_per_s);
  tap.command_valve(true);
  tap.advance_to(MeteredTap::start + std::chrono::seconds{1}, edges);
  for (const drivers::Edge& edge : edges) filter.take(edge);
  static_cast<void>(filter.drain(tap.now()));
  const std::int64_t passed = tap.truth().passed_ul;
  edges.clear();
  tap.advance_to(tap.now() + std::chrono::seconds{seconds}, edges);
  for (const drivers::Edge& edge : edges) filter.take(edge);
  const std::int64_t counted = filter.drain(tap.now()).edges;
  return {
      .millihertz = counted * 1'000 / (2 * seconds),
      .milli_pulses_per_litre = counted * 1'000'000'000 / (2 * (tap.truth().passed_ul - passed))};
}

Calibration curve_of(const drivers::sim::SimTapPlan& plan) {
  std::vector<CurvePoint> points;
  for (const double ml_per_s : {10.0, 20.0, 40.0, 90.0, 200.0}) {
    points.push_back(weigh(plan, ml_per_s));
  }
  return Calibration::from_curve(points).value();
}

/// Charged minus passed, in per cent of a pour of two seconds' flow ended by the guest.
double error_per_cent(const drivers::sim::SimTapPlan& plan, const Calibration& calibration,
                      std::chrono::milliseconds run_on, double ml_per_s) {
  SessionRules rules;
  rules.meter.run_on = run_on;
  MeteredTap tap{rules, plan, calibration};
  tap.begin_pour(10'000, ml_per_s);
  tap.run(std::chrono::milliseconds{4'000});
  tap.end_pour();
  return (tap.charged_ml() / tap.passed_ml() - 1) * 100;
}

void volume_errors(std::int64_t pulses_per_litre, const Report& report) {
  const drivers::sim::SimTapPlan plan = turbine(pulses_per_litre);
  const Calibration one =
      Calibration::from_milli_pulses_per_litre(weigh(plan, 60).milli_pulses_per_litre);
  const Calibration curve = curve_of(plan);
  // The run-on as it is found at 200 ml/s, where it is largest.
  const double excess = error_per_cent(plan, curve, {}, 200) / 100 * 4'000;
  const std::chrono::milliseconds run_on{std::max<std::int64_t>(std::llround(excess), 0)};
  for (const double ml_per_s : flows) {
    const std::string where = fmt::format("{} ml/s, {} pulses/l, 4 s", ml_per_s, pulses_per_litre);
    report.add({"volume error, K-factor weighed at 60 ml/s",
                error_per_cent(plan, one, {}, ml_per_s), "%", where});
    report.add({"volume error, curve of five points", error_per_cent(plan, curve, {}, ml_per_s),
                "%", where});
    report.add({"volume error, curve and run-on", error_per_cent(plan, curve, run_on, ml_per_s),
                "%", fmt::format("{}, run_on_ms = {}", where, run_on.count())});
  }
}

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// The whole way of an edge in the process: filter, controller's event, session, curve.
void cpu_per_pulse(bool quick, const Report& report) {
  const std::int64_t pulses = quick ? 20'000 : 1'000'000;
  constexpr auto edge_every = std::chrono::nanoseconds{std::chrono::seconds{1}} / 4'000;
  for (const int edges_a_read : {1, 16}) {
    SessionRules rules = MeteredTap::rules();
    rules.meter.most_flow = 0;
    rules.longest_open = std::chrono::hours{1};
    test::SessionFixture tap{rules};
    tap.to_ready(1'000'000);
    drivers::EdgeFilter filter{std::chrono::microseconds{200}};
    drivers::Edge edge{.rising = false, .stamp = tap.now.since_boot, .line_seqno = 0};
    const double before = cpu_seconds();
    for (std::int64_t i = 0; i < 2 * pulses; ++i) {
      edge = {.rising = !edge.rising,
              .stamp = edge.stamp + edge_every,
              .line_seqno = edge.line_seqno + 1};
      filter.take(edge);
      if (i % edges_a_read != 0) continue;
      tap.now.since_boot = edge.stamp;
      const drivers::MeterReading reading = filter.drain(edge.stamp);
      tap.all.clear();
      tap.give(Flow{.edges = reading.edges,
                    .edges_lost = reading.edges_lost,
                    .rejected = reading.rejected,
                    .out_of_turn = reading.out_of_turn,
                    .newest = reading.last_edge});
    }
    const double spent = cpu_seconds() - before;
    report.add({"processor time per 1,000 pulses", spent * 1e9 / static_cast<double>(pulses), "us",
                fmt::format("filter and session, {} edges a read, {} pulses at 2,000 Hz",
                            edges_a_read, pulses)});
  }
}

/// What a floating input costs before it is noticed.
void storm_cost(const Report& report) {
  MeteredTap tap{MeteredTap::rules()};
  tap.run(std::chrono::seconds{1});
  const auto heard = tap.heard;
  tap.physics.set_meter({.silent = false, .noise_per_s = 50'000});
  const auto began = tap.now.since_boot;
  while (tap.listening && tap.now.since_boot - began < std::chrono::seconds{5}) {
    tap.run(std::chrono::milliseconds{2});
  }
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(tap.now.since_boot - began);
  report.add({"from a 50 kHz storm to the meter at rest", static_cast<double>(took.count()), "ms",
              "virtual time, a look every 2 ms"});
  report.add({"edges taken in that time", static_cast<double>(tap.heard - heard), "edges",
              "none after it: the line is released"});
}

}  // namespace

void bench_meter(const DriversBenchOptions& options, const Report& report) {
  report.section(
      "Flow meter: charged against passed, with a turbine that reads too little below "
      "90 ml/s and runs on for 80 ms");
  for (const std::int64_t pulses_per_litre : {450, 5'600}) volume_errors(pulses_per_litre, report);
  report.section("Flow meter: cost of an edge, and of a storm");
  cpu_per_pulse(options.quick, report);
  storm_cost(report);
}

}  // namespace tapd::bench
