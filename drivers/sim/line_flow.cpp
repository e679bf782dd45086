#include "drivers/sim/line_flow.hpp"

#include <algorithm>
#include <cmath>

namespace tapd::drivers::sim {
namespace {

/// A turning impeller gets a new segment after so long at the latest: sums of small parts keep
/// their digits.
constexpr std::chrono::seconds longest_turning_segment{60};
/// Pulses a second below which running ahead of the flow is no running ahead.
constexpr double driven_margin = 0.01;
/// A keg with less in it is empty: a nanolitre.
constexpr double empty_ml = 1e-6;

double seconds(std::chrono::microseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

std::int64_t microlitres(double ml) {
  return std::llround(ml * 1000);
}

double millilitres(std::int64_t ul) {
  return static_cast<double>(ul) / 1000;
}

}  // namespace

LineFlow::LineFlow(const SimTapPlan& plan, SinceBoot now, const Truth& from)
    : plan_{plan},
      pulses_per_ml_{static_cast<double>(plan.meter.milli_pulses_per_litre) / 1e6},
      valve_{plan.valve},
      drips_{plan.valve},
      valve_opens_{from.valve_opens},
      sums_{.while_open = millilitres(from.while_open_ul),
            .after_shut = millilitres(from.after_shut_ul),
            .keg = millilitres(from.keg_ul),
            .gas_left = millilitres(from.gas_left_ul),
            .pulses = 0} {
  segment_.start = now;
  lay_out();
}

void LineFlow::roll() {
  settle(segment_.end);
  lay_out();
}

SinceBoot LineFlow::reaches(double pulses) const {
  const auto after_s = seconds_to_sum(segment_.impeller, pulses - sums_.pulses);
  if (!after_s) return never;
  const SinceBoot at = after(segment_.start, *after_s);
  return at <= segment_.end ? at : never;
}

void LineFlow::command_valve(bool open, SinceBoot now) {
  if (open == valve_.commanded_open()) return;
  settle(now);
  if (open) ++valve_opens_;
  valve_.command(open, now);
  lay_out();
}

void LineFlow::set_valve(ValveCondition condition, SinceBoot now) {
  settle(now);
  valve_.set_condition(condition, now);
  lay_out();
}

void LineFlow::pull(double ml_per_s, SinceBoot now) {
  settle(now);
  hand_ml_per_s_ = std::clamp(ml_per_s, 0.0, static_cast<double>(plan_.most_ml_per_s));
  lay_out();
}

void LineFlow::connect_keg(double ml, SinceBoot now) {
  settle(now);
  sums_.keg = ml;
  sums_.gas_left = static_cast<double>(plan_.gas_after_empty_ml);
  lay_out();
}

void LineFlow::set_foam(bool on, SinceBoot now) {
  settle(now);
  foam_ = on;
  lay_out();
}

void LineFlow::set_leak(double ml_per_s, SinceBoot now) {
  settle(now);
  leak_ml_per_s_ = ml_per_s;
  lay_out();
}

Truth LineFlow::truth(SinceBoot now) const {
  const Sums sums = sums_at(now);
  Truth truth;
  truth.while_open_ul = microlitres(sums.while_open);
  truth.after_shut_ul = microlitres(sums.after_shut);
  truth.passed_ul = truth.while_open_ul + truth.after_shut_ul;
  truth.valve_opens = valve_opens_;
  truth.keg_ul = microlitres(sums.keg);
  truth.gas_left_ul = microlitres(sums.gas_left);
  return truth;
}

LineFlow::Sums LineFlow::sums_at(SinceBoot now) const {
  const double passed_s = seconds_between(segment_.start, now);
  const double passed_ml = segment_.speed.sum(passed_s);
  Sums sums = sums_;
  sums.pulses += segment_.impeller.sum(passed_s);
  if (segment_.medium == Medium::liquid) {
    (valve_.commanded_open() ? sums.while_open : sums.after_shut) += passed_ml;
    sums.keg = std::max(0.0, sums.keg - passed_ml);
  } else if (segment_.medium == Medium::gas && !foam_) {
    sums.gas_left = std::max(0.0, sums.gas_left - passed_ml);
  }
  return sums;
}

/// Makes `now` the segment's start; what follows is laid out afterwards.
void LineFlow::settle(SinceBoot now) {
  sums_ = sums_at(now);
  impeller_ = std::max(0.0, segment_.impeller.at(seconds_between(segment_.start, now)));
  segment_.start = now;
  if (sums_.keg < empty_ml) sums_.keg = 0;
  if (sums_.gas_left < empty_ml) sums_.gas_left = 0;
}

void LineFlow::lay_out() {
  valve_.pass(segment_.start);
  drips_.pass(segment_.start);
  const Ramp aperture = valve_.aperture(segment_.start);
  segment_.medium = medium();
  follow_drips(aperture);
  Ramp flow = aperture.times(hand_ml_per_s_);
  flow.value += leak_ml_per_s_ + drips_.ml_per_s();
  switch (segment_.medium) {
    case Medium::liquid:
      segment_.speed = flow;
      break;
    case Medium::gas:
      segment_.speed = flow.times(plan_.meter.gas_speed);
      break;
    case Medium::nothing:
      segment_.speed = {};
      break;
  }
  const Ramp wanted = wanted_impeller(segment_.speed);
  segment_.impeller = actual_impeller(wanted);
  segment_.end = std::max(next_change(wanted), segment_.start + SinceBoot{1});
}

void LineFlow::follow_drips(const Ramp& aperture) {
  const bool open = aperture.value > 0 || aperture.per_s > 0;
  const bool wet = hand_ml_per_s_ > 0 && segment_.medium == Medium::liquid;
  if (open || !wet) drips_.stop();
  if (!open && wet && was_flowing_) drips_.start(segment_.start);
  was_flowing_ = open && wet && (was_flowing_ || aperture.value > 0);
}

Medium LineFlow::medium() const {
  if (foam_) return Medium::gas;
  if (sums_.keg > 0) return Medium::liquid;
  return sums_.gas_left > 0 ? Medium::gas : Medium::nothing;
}

/// What the flow would have the impeller do: nothing up to the stall, K above the knee, and a
/// straight line between the two.
Ramp LineFlow::wanted_impeller(const Ramp& speed) const {
  const double knee = plan_.meter.knee_ml_per_s;
  const double stall = plan_.meter.stall_ml_per_s;
  const bool rising = speed.per_s >= 0;
  if (speed.value > knee || (speed.value == knee && rising)) return speed.times(pulses_per_ml_);
  if (speed.value > stall || (speed.value == stall && rising && knee > stall)) {
    const double slope = pulses_per_ml_ * knee / (knee - stall);
    return {.value = (speed.value - stall) * slope, .per_s = speed.per_s * slope};
  }
  return {};
}

/// What it does: it follows a rising flow at once, and a falling one no faster than its friction
/// allows, which stops it from any speed in the same time.
Ramp LineFlow::actual_impeller(const Ramp& wanted) {
  const double run_on_s = seconds(plan_.meter.run_on);
  const bool driven = impeller_ <= wanted.value + driven_margin || run_on_s == 0;
  if (driven) {
    impeller_ = wanted.value;
    friction_ = 0;
    if (run_on_s == 0 || wanted.per_s >= -impeller_ / run_on_s) return wanted;
  }
  if (friction_ == 0) friction_ = impeller_ / run_on_s;
  return {.value = impeller_, .per_s = -friction_};
}

SinceBoot LineFlow::next_change(const Ramp& wanted) const {
  SinceBoot end = std::min(valve_.next_change(), drips_.next_change());
  const auto no_later_than = [this, &end](const std::optional<double>& wait_s) {
    if (wait_s) end = std::min(end, after(segment_.start, *wait_s));
  };
  no_later_than(seconds_to_value(segment_.speed, plan_.meter.stall_ml_per_s));
  no_later_than(seconds_to_value(segment_.speed, plan_.meter.knee_ml_per_s));
  if (friction_ > 0) {  // until the flow has caught up with it
    const Ramp ahead{.value = impeller_ - wanted.value, .per_s = -friction_ - wanted.per_s};
    no_later_than(seconds_to_value(ahead, 0));
  }
  if (segment_.medium == Medium::liquid) no_later_than(seconds_to_sum(segment_.speed, sums_.keg));
  if (segment_.medium == Medium::gas && !foam_) {
    no_later_than(seconds_to_sum(segment_.speed, sums_.gas_left));
  }
  const bool turning = segment_.impeller.value > 0 || segment_.impeller.per_s > 0;
  return turning ? std::min(end, segment_.start + longest_turning_segment) : end;
}

}  // namespace tapd::drivers::sim
