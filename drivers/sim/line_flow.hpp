// What goes on in one beer line: keg, meter, valve and hand in a row, and the impeller that the
// flow turns. Pure, virtual time. Between two changes everything runs at a steady pace (a segment),
// so any question about a moment inside is answered exactly, and asking changes nothing. Used by
// SimTap, which makes edges of the impeller's turns; copied by it to look ahead.
#pragma once

#include <cstdint>

#include "drivers/sim/command.hpp"
#include "drivers/sim/plan.hpp"
#include "drivers/sim/ramp.hpp"
#include "drivers/sim/truth.hpp"
#include "drivers/sim/valve_motion.hpp"

namespace tapd::drivers::sim {

/// What runs through the meter.
enum class Medium : std::uint8_t { liquid, gas, nothing };

/// A stretch of time in which all paces are steady.
struct Segment {
  SinceBoot start{};
  SinceBoot end{never};
  Medium medium{Medium::liquid};
  Ramp speed;     ///< ml/s of the medium through the meter.
  Ramp impeller;  ///< Pulses a second.
};

class LineFlow {
 public:
  /// Shut, nobody pulls; counters, keg and gas as in `from`.
  LineFlow(const SimTapPlan& plan, SinceBoot now, const Truth& from);

  [[nodiscard]] const Segment& segment() const { return segment_; }
  /// Goes to the segment's end and begins the next one. Only when the end is not `never`.
  void roll();
  /// When the impeller, within this segment, has turned for so many pulses; `never`: not in it.
  [[nodiscard]] SinceBoot reaches(double pulses) const;

  // Changes from outside. `now` lies in the segment; a new segment begins there.
  void command_valve(bool open, SinceBoot now);
  void set_valve(ValveCondition condition, SinceBoot now);
  void pull(double ml_per_s, SinceBoot now);
  void connect_keg(double ml, SinceBoot now);
  void set_foam(bool on, SinceBoot now);
  void set_leak(double ml_per_s, SinceBoot now);

  [[nodiscard]] bool valve_commanded_open() const { return valve_.commanded_open(); }
  /// All but the edges. `now` lies in the segment.
  [[nodiscard]] Truth truth(SinceBoot now) const;

 private:
  /// Sums since the beginning, at the segment's start; ml and pulses.
  struct Sums {
    double while_open{0};
    double after_shut{0};
    double keg{0};
    double gas_left{0};
    double pulses{0};
  };

  [[nodiscard]] Sums sums_at(SinceBoot now) const;
  void settle(SinceBoot now);
  void lay_out();
  void follow_drips(const Ramp& aperture);
  [[nodiscard]] Medium medium() const;
  [[nodiscard]] Ramp wanted_impeller(const Ramp& speed) const;
  [[nodiscard]] Ramp actual_impeller(const Ramp& wanted);
  [[nodiscard]] SinceBoot next_change(const Ramp& wanted) const;

  SimTapPlan plan_;
  double pulses_per_ml_;
  ValveMotion valve_;
  Drips drips_;
  double hand_ml_per_s_{0};
  double leak_ml_per_s_{0};
  bool foam_{false};
  bool was_flowing_{false};  ///< Liquid ran through the open valve: it will drip when it shuts.
  double impeller_{0};       ///< Pulses a second at the segment's start.
  double friction_{0};       ///< Loss of pulses a second in a second while it runs on; 0: driven.
  std::int64_t valve_opens_{0};
  Sums sums_;
  Segment segment_;
};

}  // namespace tapd::drivers::sim
