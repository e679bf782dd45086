#include "daemon/core/stray_flow.hpp"

#include <algorithm>
#include <string>

#include "daemon/core/time_between.hpp"

namespace tapd {
namespace {

using model::SinceBoot;
using model::Volume;
using std::chrono::milliseconds;

/// Flow with a longer pause than this is not steady.
constexpr milliseconds longest_steady_pause{300};
constexpr std::int64_t microlitres_in_a_millilitre = 1'000;

std::string for_people(milliseconds time) {
  constexpr std::int64_t seconds_in_a_minute = 60;
  const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  if (seconds < 2 * seconds_in_a_minute) return std::to_string(seconds) + " s";
  return std::to_string(seconds / seconds_in_a_minute) + " min";
}

Say lost(Volume volume, milliseconds time, const char* how) {
  return {.topic = Topic::liquid_lost,
          .detail = to_text(volume) + how + " the shut valve in " + for_people(time),
          .volume = volume};
}

}  // namespace

/// Whole millilitres, as rows count; the rest waits for the next event.
Volume StrayFlow::untold() const {
  const std::int64_t microlitres = untold_.volume().in_microlitres();
  return Volume::microlitres(microlitres - microlitres % microlitres_in_a_millilitre);
}

void StrayFlow::take_from_untold(Volume told) {
  constexpr std::int64_t nanolitres_in_a_microlitre = 1'000;
  constexpr std::int64_t edges_in_a_pulse = 2;
  untold_ = untold_.less(
      FineVolume::of(edges_in_a_pulse, told.in_microlitres() * nanolitres_in_a_microlitre));
  untold_since_.reset();
}

StrayFlow::Finding StrayFlow::take(const Flow& flow, const Calibration& calibration, SinceBoot now,
                                   Actions& out) {
  if (flow.edges <= 0) return Finding::nothing;
  pace_.add(flow.edges, flow.newest.value_or(now));
  const FineVolume worth = calibration.worth(flow.edges, pace_.pulse_interval());
  if (window_ == FineVolume{} || now - window_since_ > rules_.window) {
    window_ = {};
    window_since_ = now;
  }
  if (now - newest_ > longest_steady_pause) {
    steady_ = {};
    steady_since_ = now;
  }
  newest_ = now;
  if (!untold_since_) untold_since_ = now;
  untold_ += worth;
  window_ += worth;
  steady_ += worth;
  const Finding finding = judge(now);
  switch (finding) {
    case Finding::nothing:
      break;
    case Finding::leak:
      noticed_ = window_.volume();
      open(FlowSign::leak, window_since_, now, out);
      return finding;
    case Finding::stuck_valve:
      noticed_ = steady_.volume();
      open(FlowSign::stuck_valve, steady_since_, now, out);
      return finding;
  }
  if (incident_) {
    tell_more(now, out);
  } else if (untold_.volume() >= rules_.alarm) {
    tell_seepage(now, out);
  }
  return finding;
}

StrayFlow::Finding StrayFlow::judge(SinceBoot now) const {
  const bool known_stuck = incident_ && incident_->sign == FlowSign::stuck_valve;
  const auto steady_for = between(steady_since_, now);
  if (!known_stuck && steady_for >= rules_.stuck_after && steady_for > milliseconds{0}) {
    const std::int64_t rate = steady_.volume().in_microlitres() / steady_for.count() * 1'000;
    if (rate >= rules_.stuck_rate) return Finding::stuck_valve;
  }
  if (!incident_ && window_.volume() >= rules_.alarm) return Finding::leak;
  return Finding::nothing;
}

/// A leak that turns out to be a stuck valve ends with what was told of it; the rest, and all that
/// follows, is the stuck valve's.
void StrayFlow::open(FlowSign sign, SinceBoot since, SinceBoot now, Actions& out) {
  if (incident_) {
    out.emplace_back(ReportFlow{.sign = incident_->sign,
                                .stage = EventStage::stopped,
                                .volume = incident_->told,
                                .duration = between(incident_->since, now),
                                .valve_open = false});
    take_from_untold(incident_->told);
  }
  incident_ = Incident{.sign = sign, .since = since, .told = untold(), .told_at = now};
  newest_ = now;
  out.emplace_back(ReportFlow{.sign = sign,
                              .stage = EventStage::started,
                              .volume = incident_->told,
                              .duration = between(since, now),
                              .valve_open = false});
}

void StrayFlow::tell_more(SinceBoot now, Actions& out) {
  if (now - incident_->told_at < rules_.told_every || untold() == incident_->told) return;
  incident_->told = untold();
  incident_->told_at = now;
  out.emplace_back(ReportFlow{.sign = incident_->sign,
                              .stage = EventStage::updated,
                              .volume = incident_->told,
                              .duration = between(incident_->since, newest_),
                              .valve_open = false});
}

void StrayFlow::close(Actions& out) {
  const Volume whole = untold();
  const auto time = between(incident_->since, newest_);
  out.emplace_back(ReportFlow{.sign = incident_->sign,
                              .stage = EventStage::stopped,
                              .volume = whole,
                              .duration = time,
                              .valve_open = false});
  out.emplace_back(lost(whole, time, " ran through"));
  take_from_untold(whole);
  incident_.reset();
  interrupt();
}

void StrayFlow::tell_seepage(SinceBoot now, Actions& out) {
  const Volume seeped = untold();
  const auto time = between(untold_since_.value_or(now), now);
  out.emplace_back(ReportFlow{
      .sign = FlowSign::seepage, .volume = seeped, .duration = time, .valve_open = false});
  out.emplace_back(lost(seeped, time, " seeped through"));
  take_from_untold(seeped);
}

void StrayFlow::stuck_after_pour(SinceBoot now, Actions& out) {
  if (incident_ && incident_->sign == FlowSign::stuck_valve) return;
  open(FlowSign::stuck_valve, now, now, out);
}

void StrayFlow::tick(SinceBoot now, Actions& out) {
  if (!incident_) return;
  if (now - newest_ >= rules_.window) return close(out);
  tell_more(now, out);
}

std::optional<SinceBoot> StrayFlow::wake_at() const {
  if (!incident_) return std::nullopt;
  const SinceBoot over = newest_ + rules_.window;
  if (untold() == incident_->told) return over;
  return std::min(over, SinceBoot{incident_->told_at + rules_.told_every});
}

void StrayFlow::close_books(SinceBoot now, Actions& out) {
  if (incident_) {
    close(out);
  } else if (untold() > Volume{}) {
    tell_seepage(now, out);
  }
}

void StrayFlow::cleared(Actions& out) {
  if (incident_ && incident_->sign == FlowSign::stuck_valve) close(out);
}

void StrayFlow::interrupt() {
  window_ = {};
  steady_ = {};
  steady_since_ = newest_;
}

}  // namespace tapd
