#include "daemon/core/pour_meter.hpp"

#include <algorithm>

namespace tapd {
namespace {

using model::SinceBoot;
using model::Volume;
using namespace std::chrono_literals;

/// Edges within the mask are flow when more come so soon after it.
constexpr std::chrono::milliseconds knock_lasts = 200ms;

/// Microlitres per second, of pulses so far apart that are worth so much.
std::int64_t flow_of(std::int64_t nanolitres_per_pulse, std::chrono::nanoseconds pulse_interval) {
  constexpr std::int64_t to_microlitres_per_second = 1'000'000;
  return nanolitres_per_pulse * to_microlitres_per_second / pulse_interval.count();
}

std::int64_t millihertz_of(std::chrono::nanoseconds pulse_interval) {
  constexpr std::int64_t nanoseconds_in_a_thousand_seconds = 1'000'000'000'000;
  return nanoseconds_in_a_thousand_seconds / pulse_interval.count();
}

bool above(std::int64_t value, std::int64_t most, std::int64_t per_cent) {
  return most > 0 && value / per_cent * 100 > most;
}

}  // namespace

PourMeter::PourMeter(const Calibration& calibration, const MeterRules& rules, Volume refill,
                     SinceBoot opened)
    : calibration_{calibration}, rules_{rules}, refill_{refill} {
  if (rules_.hammer_mask > 0ms) knocked_at_ = opened;
}

PourMeter::Verdict PourMeter::take(const Flow& flow, SinceBoot now) {
  evidence_.edges += flow.edges;
  evidence_.edges_lost += flow.edges_lost;
  evidence_.rejected += flow.rejected;
  evidence_.out_of_turn += flow.out_of_turn;
  if (flow.edges <= 0) return Verdict::fine;
  const SinceBoot at = std::min(flow.newest.value_or(now), now);
  pace_.add(flow.edges, at);
  const auto interval = pace_.pulse_interval();
  if (interval) {
    evidence_.most_millihertz = std::max(evidence_.most_millihertz, millihertz_of(*interval));
  }
  const FineVolume worth = calibration_.worth(flow.edges, interval);
  if (distrusted_) {
    refused_ += worth;
    return Verdict::fine;
  }
  const bool slow = interval && rules_.slowest_pulse > 0ns && *interval > rules_.slowest_pulse;
  if (slow && !is_shut_) evidence_.low_flow += flow.edges;
  if (is_hammer(flow, worth, at)) return Verdict::fine;
  rate_.add(worth, now);
  return judge(worth, interval, at);
}

/// The valve's own knock: a few edges close to its command, with no flow before and none after.
/// They wait here until the next edges tell what they were.
bool PourMeter::is_hammer(const Flow& flow, FineVolume worth, SinceBoot at) {
  if (!knocked_at_ || has_flowed()) return false;
  const SinceBoot mask_ends = *knocked_at_ + rules_.hammer_mask;
  if (at <= mask_ends && knocked_edges_ + flow.edges <= most_hammer_edges) {
    knocked_ += worth;
    knocked_edges_ += flow.edges;
    return true;
  }
  const bool went_on = at <= mask_ends + knock_lasts;
  (went_on ? believed_ : refused_) += knocked_;
  knocked_ = {};
  knocked_edges_ = 0;
  knocked_at_.reset();
  return false;
}

PourMeter::Verdict PourMeter::judge(FineVolume worth,
                                    std::optional<std::chrono::nanoseconds> pulse_interval,
                                    SinceBoot at) {
  bool gas = false;
  bool noise = false;
  if (pulse_interval) {
    const std::int64_t rate =
        flow_of(calibration_.nanolitres_per_pulse(pulse_interval), *pulse_interval);
    const std::int64_t millihertz = millihertz_of(*pulse_interval);
    noise = above(millihertz, rules_.most_millihertz, noise_per_cent);
    gas = above(rate, rules_.most_flow, gas_per_cent) ||
          above(millihertz, rules_.most_millihertz, above_range_per_cent);
    follow_flow(rate, at);
  }
  if (!gas && !noise) {
    believed_ += suspected_ + worth;
    suspected_ = {};
    suspected_since_.reset();
    return Verdict::fine;
  }
  suspected_ += worth;
  if (!suspected_since_) suspected_since_ = at;
  if (at - *suspected_since_ < implausible_for) return Verdict::fine;
  distrust();
  evidence_.suspect_gas = !noise;
  return noise ? Verdict::noise : Verdict::gas;
}

/// Keeps what is usual for this pour (its mean, later that of about the last second), and notices
/// what is much faster.
void PourMeter::follow_flow(std::int64_t rate, SinceBoot at) {
  constexpr std::int64_t memory_ms = 1'000;
  constexpr std::int64_t longest_step_ms = 100;
  constexpr std::int64_t settled_ms = 500;
  if (!followed_) {
    followed_ = at;
    usual_rate_ = rate;
    return;
  }
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(at - *followed_);
  if (passed < 1ms) return;
  followed_ = *followed_ + passed;
  const std::int64_t step_ms = std::min(passed.count(), longest_step_ms);
  followed_ms_ = std::min(followed_ms_ + step_ms, memory_ms);
  if (followed_ms_ >= settled_ms && above(rate, usual_rate_, sputter_per_cent)) sputtered_ = at;
  usual_rate_ += (rate - usual_rate_) * step_ms / followed_ms_;
}

void PourMeter::shut(SinceBoot now) {
  is_shut_ = true;
  rate_at_shut_ = rate_.microlitres_per_second(now);
  believed_at_shut_ = believed_;
  if (!has_flowed()) {
    refused_ += knocked_;
    knocked_ = {};
    knocked_edges_ = 0;
    if (rules_.hammer_mask > 0ms) knocked_at_ = now;
  }
}

void PourMeter::distrust() {
  distrusted_ = true;
  refused_ += suspected_ + knocked_;
  suspected_ = {};
  knocked_ = {};
}

/// The turbine's run-on is taken from the front of the tail, so that the sum never goes back.
FineVolume PourMeter::after_run_on() const {
  if (!is_shut_ || believed_ <= believed_at_shut_) return believed_;
  const std::int64_t coast = rate_at_shut_ * rules_.run_on.count();  // nanolitres
  const FineVolume shortened = believed_.less(FineVolume::of(2 * coast, 1));
  return std::max(shortened, believed_at_shut_);
}

Volume PourMeter::less_refill(FineVolume volume) const {
  return std::max(volume.volume() - refill_, Volume{});
}

Volume PourMeter::charged() const {
  return less_refill(after_run_on());
}

Volume PourMeter::charged_before_shut() const {
  return less_refill(is_shut_ ? believed_at_shut_ : believed_);
}

Volume PourMeter::most_charged() const {
  return less_refill(believed_ + suspected_ + knocked_);
}

Volume PourMeter::tail() const {
  return believed_.volume() - (is_shut_ ? believed_at_shut_ : believed_).volume();
}

MeterEvidence PourMeter::evidence() const {
  MeterEvidence evidence = evidence_;
  evidence.not_believed = (refused_ + suspected_ + knocked_).volume();
  evidence.run_on = believed_.volume() - after_run_on().volume();
  evidence.refill = std::min(refill_, after_run_on().volume());
  return evidence;
}

}  // namespace tapd
