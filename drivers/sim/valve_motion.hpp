// How a solenoid valve moves: it waits after a command, then opens or shuts at a steady pace; and
// how a tap drips after it shut. Parts of LineFlow. Pure, virtual time: the owner asks when the
// next change comes and passes on every one of them.
#pragma once

#include <optional>

#include "drivers/sim/command.hpp"
#include "drivers/sim/plan.hpp"
#include "drivers/sim/ramp.hpp"

namespace tapd::drivers::sim {

class ValveMotion {
 public:
  explicit ValveMotion(const ValvePlan& plan) : plan_{plan} {}

  /// A newer command replaces one that has not begun to act.
  void command(bool open, SinceBoot now);
  /// Stuck: it goes there at once and stays. ok: it goes at once where it was last told to be.
  void set_condition(ValveCondition condition, SinceBoot now);
  /// How far it stands open from `now` on: 0 shut, 1 open. Holds until next_change.
  [[nodiscard]] Ramp aperture(SinceBoot now) const;
  [[nodiscard]] bool commanded_open() const { return commanded_open_; }
  [[nodiscard]] SinceBoot next_change() const;
  /// Carries out the changes whose time has come.
  void pass(SinceBoot now);

 private:
  void head_for_target(SinceBoot now);
  [[nodiscard]] bool target() const;

  ValvePlan plan_;
  ValveCondition condition_{ValveCondition::ok};
  bool commanded_open_{false};
  SinceBoot since_{};  ///< When `moving_` had its value.
  Ramp moving_;
  SinceBoot begins_at_{never};   ///< The last command begins to act.
  SinceBoot arrives_at_{never};  ///< The plunger reaches its end.
};

/// Drops that pass one after the other once the valve has shut on a flow.
class Drips {
 public:
  explicit Drips(const ValvePlan& plan) : plan_{plan} {}

  void start(SinceBoot now);
  void stop();
  /// The drop that is passing, in ml/s; 0 between two of them.
  [[nodiscard]] double ml_per_s() const;
  [[nodiscard]] SinceBoot next_change() const { return next_change_; }
  void pass(SinceBoot now);

 private:
  ValvePlan plan_;
  int left_{0};
  bool passing_{false};
  SinceBoot next_change_{never};
};

}  // namespace tapd::drivers::sim
