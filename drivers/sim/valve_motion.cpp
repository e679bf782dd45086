#include "drivers/sim/valve_motion.hpp"

#include <algorithm>
#include <cmath>

namespace tapd::drivers::sim {

void ValveMotion::command(bool open, SinceBoot now) {
  commanded_open_ = open;
  begins_at_ = now + (open ? plan_.opens_after : plan_.shuts_after);
  pass(now);
}

void ValveMotion::set_condition(ValveCondition condition, SinceBoot now) {
  condition_ = condition;
  begins_at_ = now;
  pass(now);
}

Ramp ValveMotion::aperture(SinceBoot now) const {
  return {.value = std::clamp(moving_.at(seconds_between(since_, now)), 0.0, 1.0),
          .per_s = moving_.per_s};
}

SinceBoot ValveMotion::next_change() const {
  return std::min(begins_at_, arrives_at_);
}

void ValveMotion::pass(SinceBoot now) {
  if (arrives_at_ <= now) {
    moving_ = {.value = moving_.per_s > 0 ? 1.0 : 0.0, .per_s = 0};
    since_ = arrives_at_;
    arrives_at_ = never;
  }
  if (begins_at_ <= now) {
    begins_at_ = never;
    head_for_target(now);
  }
}

void ValveMotion::head_for_target(SinceBoot now) {
  const double aim = target() ? 1.0 : 0.0;
  const double whole_way_s =
      std::chrono::duration<double>(target() ? plan_.opens_in : plan_.shuts_in).count();
  const double way = aim - aperture(now).value;
  since_ = now;
  arrives_at_ = never;
  if (way == 0 || whole_way_s == 0) {
    moving_ = {.value = aim, .per_s = 0};
    return;
  }
  moving_ = {.value = aim - way, .per_s = std::copysign(1 / whole_way_s, way)};
  arrives_at_ = after(now, std::abs(way) * whole_way_s);
}

bool ValveMotion::target() const {
  switch (condition_) {
    case ValveCondition::stuck_open:
      return true;
    case ValveCondition::stuck_shut:
      return false;
    case ValveCondition::ok:
      break;
  }
  return commanded_open_;
}

void Drips::start(SinceBoot now) {
  left_ = plan_.drip_ml > 0 ? plan_.drips : 0;
  passing_ = false;
  next_change_ = left_ > 0 ? now + plan_.drip_every : never;
}

void Drips::stop() {
  left_ = 0;
  passing_ = false;
  next_change_ = never;
}

double Drips::ml_per_s() const {
  return passing_ ? plan_.drip_ml / std::chrono::duration<double>(plan_.drip_takes).count() : 0.0;
}

void Drips::pass(SinceBoot now) {
  if (next_change_ > now) return;
  if (!passing_) {
    passing_ = true;
    next_change_ += plan_.drip_takes;
    return;
  }
  passing_ = false;
  --left_;
  next_change_ = left_ > 0 ? next_change_ + (plan_.drip_every - plan_.drip_takes) : never;
}

}  // namespace tapd::drivers::sim
