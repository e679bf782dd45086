// One simulated tap in virtual time: the physics of its line, and the edges that its meter puts on
// the wire, with everything a wire does to them: uneven magnets, bounce, losses, noise. Pure and
// deterministic: the same plan, seed and commands at the same times give the same edges and the
// same truth, however often anybody looks. Used by Station (live) and by simulators (virtual time).
// A value that can be copied; one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drivers/edge_filter.hpp"
#include "drivers/sim/command.hpp"
#include "drivers/sim/dice.hpp"
#include "drivers/sim/line_flow.hpp"
#include "drivers/sim/plan.hpp"
#include "drivers/sim/truth.hpp"

namespace tapd::drivers::sim {

/// Counters of a tap that nobody has used: a full keg.
[[nodiscard]] Truth unused(const SimTapPlan& plan);

class SimTap {
 public:
  /// Shut and let go at `now`; counters and keg go on from `from`. The plan must have no findings.
  SimTap(const SimTapPlan& plan, std::uint64_t seed, SinceBoot now, const Truth& from);

  /// Lets time pass and appends the edges that come, stamps in order, numbered from 1 as the kernel
  /// does. A time that has passed already does nothing.
  void advance_to(SinceBoot now, std::vector<Edge>& edges);
  /// When the next edge comes if nobody changes anything; nullopt: none will. It may turn out to be
  /// one that gets lost, and for a flow that begins far in the future it may be too early, but it
  /// is never late.
  [[nodiscard]] std::optional<SinceBoot> next_edge() const;
  [[nodiscard]] SinceBoot now() const { return now_; }

  // Changes; each takes place at `now()`.
  void command_valve(bool open);
  void set_valve(ValveCondition condition) { flow_.set_valve(condition, now_); }
  /// The hand on the handle: what flows through an open valve, at most the line's most.
  void pull(double ml_per_s) { flow_.pull(ml_per_s, now_); }
  void connect_keg(double ml) { flow_.connect_keg(ml, now_); }
  void set_foam(bool on) { flow_.set_foam(on, now_); }
  void set_leak(double ml_per_s) { flow_.set_leak(ml_per_s, now_); }
  void set_meter(const MeterCondition& condition);

  [[nodiscard]] bool valve_commanded_open() const { return flow_.valve_commanded_open(); }
  /// What passed until now().
  [[nodiscard]] Truth truth() const;

 private:
  void put(SinceBoot at, std::vector<Edge>& edges);
  void turn(SinceBoot at, std::vector<Edge>& edges);
  void bounce(SinceBoot at);
  void make_noise(SinceBoot at, std::vector<Edge>& edges);
  void expect_next_turn();
  void expect_next_noise(SinceBoot now);
  void stray(SinceBoot at);
  [[nodiscard]] SinceBoot next_turn(SinceBoot horizon) const;
  [[nodiscard]] SinceBoot next_stray() const;

  MeterPlan plan_;
  int knock_pulses_;
  LineFlow flow_;
  SinceBoot now_;
  Dice magnets_;  ///< Where edges sit on the impeller.
  Dice wire_;     ///< Bounce and losses.
  Dice noise_;
  MeterCondition meter_;
  std::int64_t turns_{0};          ///< Edges of the impeller so far.
  double next_turn_at_{0};         ///< In pulses of the impeller.
  std::vector<SinceBoot> strays_;  ///< Bounce and ends of noise to come, latest first.
  SinceBoot next_noise_{never};
  bool level_{false};
  std::int64_t edges_{0};
  std::uint32_t line_seqno_{0};
};

}  // namespace tapd::drivers::sim
