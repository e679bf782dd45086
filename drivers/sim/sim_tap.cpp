#include "drivers/sim/sim_tap.hpp"

#include <algorithm>

namespace tapd::drivers::sim {
namespace {

/// How many segments next_edge looks ahead. A closing valve with its drips takes about ten.
constexpr int most_segments_ahead = 64;
/// A bouncing contact opens and closes again at most so often.
constexpr double most_bounces = 3;
/// Noise pulses are wide enough to pass an interval filter: those that are not are bounce.
constexpr double shortest_noise_s = 300e-6;
constexpr double longest_noise_s = 1e-3;
/// When the impeller passes a magnet after the plunger struck.
constexpr double shortest_knock_s = 2e-3;
constexpr double longest_knock_s = 40e-3;

constexpr std::uint64_t stream_magnets = 0;
constexpr std::uint64_t stream_wire = 1;
constexpr std::uint64_t stream_noise = 2;

}  // namespace

Truth unused(const SimTapPlan& plan) {
  return {.keg_ul = plan.keg_ml * 1000, .gas_left_ul = plan.gas_after_empty_ml * 1000};
}

SimTap::SimTap(const SimTapPlan& plan, std::uint64_t seed, SinceBoot now, const Truth& from)
    : plan_{plan.meter},
      knock_pulses_{plan.valve.knock_pulses},
      flow_{plan, now, from},
      now_{now},
      magnets_{seed, stream_magnets},
      wire_{seed, stream_wire},
      noise_{seed, stream_noise},
      edges_{from.edges} {
  expect_next_turn();
}

void SimTap::advance_to(SinceBoot now, std::vector<Edge>& edges) {
  while (now_ < now) {
    const SinceBoot end = flow_.segment().end;
    const SinceBoot turn_at = flow_.reaches(next_turn_at_);
    const SinceBoot stray_at = next_stray();
    const SinceBoot next = std::min({turn_at, stray_at, next_noise_, end});
    if (next > now) break;
    if (next == turn_at) {
      turn(next, edges);
    } else if (next == stray_at) {
      strays_.pop_back();
      put(next, edges);
    } else if (next == next_noise_) {
      make_noise(next, edges);
    } else {
      flow_.roll();
    }
  }
  now_ = std::max(now_, now);
}

std::optional<SinceBoot> SimTap::next_edge() const {
  if (meter_.silent) return std::nullopt;
  const SinceBoot soonest = std::min(next_stray(), next_noise_);
  const SinceBoot next = std::min(soonest, next_turn(soonest));
  return next == never ? std::nullopt : std::optional{next};
}

/// The impeller's next edge if it comes before the horizon; else any later time.
SinceBoot SimTap::next_turn(SinceBoot horizon) const {
  const SinceBoot soon = flow_.reaches(next_turn_at_);
  if (soon != never || flow_.segment().end >= horizon) return soon;
  LineFlow ahead = flow_;
  for (int i = 0; i < most_segments_ahead; ++i) {
    ahead.roll();
    const SinceBoot at = ahead.reaches(next_turn_at_);
    if (at != never || ahead.segment().end >= horizon) return at;
  }
  return ahead.segment().end;
}

void SimTap::command_valve(bool open) {
  const bool moves = open != flow_.valve_commanded_open();
  flow_.command_valve(open, now_);
  if (!moves) return;
  for (int edge = 0; edge < 2 * knock_pulses_; ++edge) {
    stray(after(now_, noise_.between(shortest_knock_s, longest_knock_s)));
  }
}

void SimTap::set_meter(const MeterCondition& condition) {
  meter_ = condition;
  expect_next_noise(now_);
}

Truth SimTap::truth() const {
  Truth truth = flow_.truth(now_);
  truth.edges = edges_;
  return truth;
}

/// An edge of any origin comes over the wire.
void SimTap::put(SinceBoot at, std::vector<Edge>& edges) {
  level_ = !level_;
  if (meter_.silent) return;
  edges.push_back({.rising = level_, .stamp = at, .line_seqno = ++line_seqno_});
  ++edges_;
}

void SimTap::turn(SinceBoot at, std::vector<Edge>& edges) {
  expect_next_turn();
  if (wire_.chance(plan_.lost_edge_rate)) {
    level_ = !level_;
    return;
  }
  put(at, edges);
  if (wire_.chance(plan_.bounce_rate)) bounce(at);
}

void SimTap::expect_next_turn() {
  const double unevenness =
      flow_.segment().medium == Medium::gas ? plan_.gas_unevenness : plan_.unevenness;
  // Half a pulse apart, beginning with a quarter: counted pulses are right to a quarter of one.
  const double place = static_cast<double>(turns_) * 0.5 + 0.25;
  next_turn_at_ = place + magnets_.between(-unevenness, unevenness);
  ++turns_;
}

void SimTap::bounce(SinceBoot at) {
  const auto bounces = 1 + static_cast<int>(wire_.between(0, most_bounces));
  const double longest_s = std::chrono::duration<double>(plan_.longest_bounce).count();
  for (int i = 0; i < 2 * bounces; ++i) stray(after(at, wire_.between(0, longest_s)));
}

void SimTap::make_noise(SinceBoot at, std::vector<Edge>& edges) {
  put(at, edges);
  // A storm has no room for wide pulses: it spends its time half up, half down.
  const double longest_s = std::min(longest_noise_s, 0.5 / meter_.noise_per_s);
  stray(after(at, noise_.between(std::min(shortest_noise_s, longest_s / 2), longest_s)));
  expect_next_noise(at);
}

void SimTap::expect_next_noise(SinceBoot now) {
  next_noise_ =
      meter_.noise_per_s > 0 ? after(now, noise_.between(0.5, 1.5) / meter_.noise_per_s) : never;
}

void SimTap::stray(SinceBoot at) {
  strays_.insert(std::upper_bound(strays_.begin(), strays_.end(), at, std::greater<>{}), at);
}

SinceBoot SimTap::next_stray() const {
  return strays_.empty() ? never : strays_.back();
}

}  // namespace tapd::drivers::sim
