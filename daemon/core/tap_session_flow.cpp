// The tap session's part about flow: what a pour counts, what runs outside of one, and what each
// kind of wrong flow looks like and leads to.
#include <algorithm>
#include <array>
#include <utility>

#include "daemon/core/tap_session.hpp"
#include "daemon/core/time_between.hpp"

namespace tapd {

using model::Moment;
using model::SinceBoot;
using model::StopReason;
using model::Volume;
using std::chrono::milliseconds;

namespace {

/// From an empty keg comes gas and froth, but never so much.
constexpr Volume surely_beer = Volume::microlitres(50'000);
/// Gas so long before the silence still explains it.
constexpr milliseconds gas_before_silence{2'000};

std::string seconds(milliseconds time) {
  return std::to_string(time.count() / 1'000) + " s";
}

}  // namespace

// --- what counts ---------------------------------------------------------------------------------

PourMeter TapSession::new_meter(const Moment& now) const {
  // Nobody knows how long the line has stood when tapd starts: it counts as a pause.
  const bool after_pause =
      !last_poured_ || now.since_boot - *last_poured_ >= rules_.meter.refill_after;
  return {calibration_, rules_.meter, after_pause ? rules_.meter.refill : Volume{}, now.since_boot};
}

void TapSession::on_event(const Flow& event, const Moment& now) {
  if (faults_.contains(FaultKind::noise)) return;  // nothing that comes over this line is flow
  if (noise_.too_much(event.edges, event.rejected, now.since_boot)) return report_noise(now);
  switch (state_) {
    case TapState::ready:
    case TapState::pouring:
      return pour_flow(event, now);
    case TapState::settling:
      if (service_) return service_flow(event, now);
      // Before the row is written the valve never opened: this is not the guest's.
      if (!sale_->row_written) return stray_flow(event, now);
      if (event.edges > 0) sale_->last_flow = now.since_boot;
      if (sale_->meter.take(event, now.since_boot) == PourMeter::Verdict::noise) {
        return report_noise(now);
      }
      return record_progress_if_due(now);
    case TapState::starting:
    case TapState::idle:
    case TapState::authorizing:
    case TapState::preparing:
    case TapState::denied:
    case TapState::finished:
    case TapState::locked:
    case TapState::faulted:
    case TapState::service_menu:
      return stray_flow(event, now);
    case TapState::servicing:
      return service_flow(event, now);
  }
}

void TapSession::pour_flow(const Flow& flow, const Moment& now) {
  Sale& sale = *sale_;
  switch (sale.meter.take(flow, now.since_boot)) {
    case PourMeter::Verdict::gas:
      return stop_for_gas(now);
    case PourMeter::Verdict::noise:
      return report_noise(now);
    case PourMeter::Verdict::fine:
      break;
  }
  if (flow.edges > 0) sale.last_flow = now.since_boot;
  heed_silence(now);
  if (sale.meter.charged() >= surely_beer) beer_came();
  if (state_ == TapState::ready && sale.meter.has_flowed()) {
    enter(TapState::pouring, now);
    out_.emplace_back(Show{Display::pouring});
  }
  stop_at_limit(now);
}

void TapSession::stop_at_limit(const Moment& now) {
  const Sale& sale = *sale_;
  const Volume limit = sale.grant.limit;
  const Volume counted = sale.meter.most_charged();
  // The foreseen tail only ever lowers the point of closing, and never by more than half the pour:
  // a bad lesson must not make a tap unusable.
  const Volume tail = std::min(tail_.expected(sale.meter.rate(now.since_boot)),
                               Volume::microlitres(limit.in_microlitres() / 2));
  if (counted + tail >= limit) return stop(sale.at_limit, now);
  if (!nearly_out_shown_ && limit - counted <= rules_.nearly_out) {
    nearly_out_shown_ = true;
    out_.emplace_back(Show{Display::nearly_out});
  }
  record_progress_if_due(now);
}

void TapSession::record_progress_if_due(const Moment& now) {
  Sale& sale = *sale_;
  // One at a time; what is due meanwhile is written as soon as that one is, with what flowed till
  // then.
  if (sale.progress_under_way) return;
  const Volume charged = sale.meter.charged();
  if (charged == sale.progress_volume) return;  // nothing new: an idle valve writes nothing
  const bool enough = charged - sale.progress_volume >= rules_.progress_volume;
  if (!enough && now.since_boot - sale.progress_at < rules_.progress_every) return;
  sale.progress_at = now.since_boot;
  sale.progress_volume = charged;
  sale.progress_under_way = true;
  out_.emplace_back(RecordProgress{progress(now)});
}

void TapSession::on_event(const ProgressWritten&, const Moment& now) {
  if (!sale_) return;
  sale_->progress_under_way = false;
  if (sale_->row_written) record_progress_if_due(now);
}

void TapSession::report_line_refill(const Moment& now) {
  const Sale& sale = *sale_;
  const Volume refill = sale.meter.evidence().refill;
  if (refill == Volume{}) return;
  out_.emplace_back(ReportFlow{.sign = FlowSign::line_refill,
                               .volume = refill,
                               .duration = between(sale.opened_at, now.since_boot),
                               .valve_open = true});
  out_.emplace_back(Say{.topic = Topic::line_refill, .detail = model::to_text(refill)});
}

// --- while the valve is open ---------------------------------------------------------------------

void TapSession::stop_for_gas(const Moment& now) {
  const Sale& sale = *sale_;
  const Volume refused = sale.meter.evidence().not_believed;
  out_.emplace_back(ReportFlow{.sign = FlowSign::gas,
                               .volume = refused,
                               .duration = PourMeter::implausible_for,
                               .valve_open = true});
  out_.emplace_back(Say{.topic = Topic::gas, .detail = model::to_text(refused)});
  if (keg_at_its_end()) return stop_for_empty_keg(now);
  stop(StopReason::meter_fault, now);
}

/// Something much faster, and then nothing: gas, or a guest who opened the handle wider and let go
/// of it. However little the keg should hold, only the next pour tells: from an empty one comes
/// nothing.
void TapSession::stop_for_sudden_silence(const Moment& now) {
  if (keg_in_doubt_) return stop_for_empty_keg(now);
  keg_in_doubt_ = true;
  stop(StopReason::no_flow, now);
}

void TapSession::stop_for_silence(const Moment& now) {
  const Sale& sale = *sale_;
  if (keg_in_doubt_ && !sale.meter.has_flowed()) return stop_for_empty_keg(now);
  const bool twitched = sale.meter.believed() != sale.silent_from;
  out_.emplace_back(ReportFlow{.sign = FlowSign::silence,
                               .volume = {},
                               .duration = between(sale.silent_since, now.since_boot),
                               .valve_open = true});
  out_.emplace_back(Say{.topic = Topic::silence,
                        .detail = (twitched ? "next to nothing ran for " : "nothing ran for ") +
                                  seconds(rules_.no_flow_timeout) + " after " +
                                  model::to_text(sale.meter.charged()) + ", with the valve open"});
  stop(StopReason::no_flow, now);
}

/// The silence begins anew with each little beer, not with each pulse.
void TapSession::heed_silence(const Moment& now) {
  Sale& sale = *sale_;
  const Volume ran = sale.meter.believed();
  if (ran - sale.silent_from < some_beer) return;
  sale.silent_since = now.since_boot;
  sale.silent_from = ran;
}

void TapSession::beer_came() {
  keg_in_doubt_ = false;
  silent_for_ = {};
}

/// One silence is a guest who does not pour. Where they come together it is a tap with a dead
/// meter, whose beer nobody pays, or one without beer. What counts is how long the valve was open,
/// however the pour ended: most guests go before the silence itself ends it.
void TapSession::count_silence(const Moment& now) {
  const Sale& sale = *sale_;
  if (sale.meter.believed() >= some_beer) {
    silent_for_ = {};
    return;
  }
  if (sale.opened_at == SinceBoot{}) return;  // broken off before the valve opened
  silent_for_ += between(sale.opened_at, sale.shut_at);
  if (rules_.silent_pours == 0 || silent_for_ < longest_silence()) return;
  if (sale.reason != StopReason::no_flow) {  // of which the server has heard
    out_.emplace_back(ReportFlow{
        .sign = FlowSign::silence, .volume = {}, .duration = silent_for_, .valve_open = true});
  }
  on_event(Locked{.reason = LockReason::silent,
                  .why = "the valve was open for " + seconds(silent_for_) +
                         " in all, pour after pour, and hardly a pulse came: look whether beer "
                         "comes; if it does, the meter is dead or jammed (its cable, its supply, "
                         "dirt), otherwise the keg is empty; then say \"tapctl clear " +
                         std::to_string(tap_.number()) + "\""},
           now);
}

milliseconds TapSession::longest_silence() const {
  return rules_.silent_pours * rules_.no_flow_timeout;
}

bool TapSession::keg_at_its_end() const {
  const Sale& sale = *sale_;
  return sale.grant.keg_left && *sale.grant.keg_left - sale.meter.charged() <= rules_.keg_end;
}

/// When the silence after gas will have lasted long enough; nullopt: there was no gas, or the keg
/// has plenty left.
std::optional<SinceBoot> TapSession::keg_silent_at() const {
  const Sale& sale = *sale_;
  const bool plenty = sale.grant.keg_left && !keg_at_its_end();
  if (plenty || !sale.meter.sputtered_since(sale.last_flow - gas_before_silence)) {
    return std::nullopt;
  }
  return sale.last_flow + rules_.keg_silence;
}

void TapSession::stop_for_empty_keg(const Moment& now) {
  const Sale& sale = *sale_;
  keg_in_doubt_ = false;
  out_.emplace_back(ReportFlow{.sign = FlowSign::keg_empty,
                               .volume = {},  // what ran is the pour's
                               .duration = between(sale.opened_at, now.since_boot),
                               .valve_open = true});
  stop(StopReason::no_flow, now);
  on_event(Locked{.reason = LockReason::keg_empty,
                  .why = "gas came instead of beer: the keg is empty; change it, then say "
                         "\"tapctl clear " +
                         std::to_string(tap_.number()) + "\""},
           now);
}

// --- what no valve and no card explains ----------------------------------------------------------

void TapSession::report_noise(const Moment& now) {
  const bool open = valve_open();
  if (sale_) sale_->meter.distrust();
  out_.emplace_back(ReportFlow{
      .sign = FlowSign::noise, .volume = {}, .duration = NoiseWatch::window, .valve_open = open});
  on_event(Faulted{.kind = FaultKind::noise,
                   .what = "more pulses than this meter can make: look at its cable, its supply "
                           "and its pull-up, then say \"tapctl clear " +
                           std::to_string(tap_.number()) + "\""},
           now);
}

void TapSession::fault_stuck_valve(Volume volume, const Moment& now) {
  on_event(Faulted{.kind = FaultKind::stuck_valve,
                   .what = model::to_text(volume) +
                           " ran on through the valve after it was told to shut: close the line "
                           "by hand now; when the valve is repaired, say \"tapctl clear " +
                           std::to_string(tap_.number()) + "\""},
           now);
}

void TapSession::stray_flow(const Flow& flow, const Moment& now) {
  switch (stray_.take(flow, calibration_, now.since_boot, out_)) {
    case StrayFlow::Finding::nothing:
      return;
    case StrayFlow::Finding::leak:
      return on_event(Faulted{.kind = FaultKind::leak,
                              .what = model::to_text(stray_.noticed()) +
                                      " ran through the shut valve: look whether it drips"},
                      now);
    case StrayFlow::Finding::stuck_valve:
      return fault_stuck_valve(stray_.noticed(), now);
  }
}

/// A leak that has stopped is told with all that was lost, and bars the tap no more.
void TapSession::watch_stray_flow(const Moment& now) {
  stray_.tick(now.since_boot, out_);
  if (!stray_.running()) on_event(Repaired{FaultKind::leak}, now);
}

// --- cleared by somebody who has looked ----------------------------------------------------------

void TapSession::on_event(const Cleared&, const Moment& now) {
  silent_for_ = {};
  on_event(Unlocked{LockReason::keg_empty}, now);
  on_event(Unlocked{LockReason::silent}, now);
  if (faults_.contains(FaultKind::noise)) out_.emplace_back(ListenToMeter{true});
  stray_.cleared(out_);
  for (const FaultKind kind : {FaultKind::noise, FaultKind::stuck_valve}) {
    on_event(Repaired{kind}, now);
  }
  if (!stray_.running()) on_event(Repaired{FaultKind::leak}, now);
}

std::string_view to_text(EventStage stage) {
  constexpr std::array<std::string_view, 4> texts{"stopped", "started", "updated", "stopped"};
  return texts.at(static_cast<std::size_t>(stage));
}

std::string_view to_text(FlowSign sign) {
  constexpr std::array<std::string_view, 13> texts{"flow_with_valve_closed",
                                                   "seepage_with_valve_closed",
                                                   "steady_flow_with_valve_closed",
                                                   "suspect_gas",
                                                   "keg_empty",
                                                   "no_flow_with_valve_open",
                                                   "implausible_meter",
                                                   "line_refill",
                                                   "valve_test",
                                                   "cleaning",
                                                   "keg_change",
                                                   "calibration",
                                                   "bleeding"};
  return texts.at(static_cast<std::size_t>(sign));
}

}  // namespace tapd
