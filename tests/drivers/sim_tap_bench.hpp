// A simulated tap on the bench: a plan, a tap that runs by it, and every edge that came. For the
// tests of the tap's physics and of its edges. Virtual time; nothing waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "drivers/sim/sim_tap.hpp"

namespace tapd::drivers::sim {

inline constexpr SinceBoot bench_start = std::chrono::hours{1};

/// A meter that tells exactly what flows, on a clean wire.
inline SimTapPlan exact() {
  SimTapPlan plan;
  plan.meter.knee_ml_per_s = 0;
  plan.meter.stall_ml_per_s = 0;
  plan.meter.run_on = std::chrono::microseconds{0};
  plan.meter.bounce_rate = 0;
  return plan;
}

/// A real meter on a clean wire.
inline SimTapPlan quiet() {
  SimTapPlan plan;
  plan.meter.bounce_rate = 0;
  return plan;
}

/// A tap, and all edges that came.
struct Bench {
  explicit Bench(const SimTapPlan& of, std::uint64_t seed = 1)
      : plan{of}, tap{of, seed, bench_start, unused(of)} {}

  void run(std::chrono::nanoseconds duration) { tap.advance_to(tap.now() + duration, edges); }
  void open(double ml_per_s) {
    tap.pull(ml_per_s);
    tap.command_valve(true);
  }
  [[nodiscard]] double pulses() const { return static_cast<double>(edges.size()) / 2; }
  [[nodiscard]] double passed_ml() const {
    return static_cast<double>(tap.truth().passed_ul) / 1e3;
  }
  [[nodiscard]] double pulses_per_ml() const {
    return static_cast<double>(plan.meter.milli_pulses_per_litre) / 1e6;
  }

  SimTapPlan plan;
  SimTap tap;
  std::vector<Edge> edges;
};

}  // namespace tapd::drivers::sim
