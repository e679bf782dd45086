// The rest of the tap session: time, locks and faults, and what it shows of itself.
#include <algorithm>
#include <array>
#include <utility>

#include "daemon/core/tap_session.hpp"

namespace tapd {

using model::Moment;
using model::StopReason;

void TapSession::on_event(const Tick&, const Moment& now) {
  watch_stray_flow(now);
  const auto in_state = now.since_boot - entered_;
  switch (state_) {
    case TapState::authorizing:
      if (in_state >= rules_.authorize_timeout) {
        deny({.reason = DenialReason::ledger_unavailable,
              .message = "no authorization came in time: try again"},
             now);
      }
      return;
    case TapState::preparing:
      // The row may still reach the disk: the session waits for that in `settling`.
      if (in_state >= rules_.prepare_timeout) interrupt(StopReason::storage_fault, now);
      return;
    case TapState::ready:
    case TapState::pouring:
      if (now.since_boot - sale_->opened_at >= rules_.longest_open) {
        return stop(StopReason::time_limit, now);
      }
      if (const auto at = keg_silent_at(); at && now.since_boot >= *at) {
        return stop_for_sudden_silence(now);
      }
      if (now.since_boot - sale_->silent_since >= rules_.no_flow_timeout) {
        return stop_for_silence(now);
      }
      record_progress_if_due(now);
      return;
    case TapState::settling:
      if (service_) return settle_service(now);
      settle_if_quiet(now);
      return;
    case TapState::denied:
      if (!card_ && in_state >= rules_.denial_shown) rest(now);
      return;
    case TapState::starting:
    case TapState::idle:
    case TapState::finished:
    case TapState::locked:
    case TapState::faulted:
      return;
    case TapState::servicing:
      if (in_state >= service_->what.longest) return end_service(now);
      tell_service_if_due(now);
      return;
    case TapState::service_menu:
      lead_menu(now);
      return;
  }
}

std::optional<model::SinceBoot> TapSession::wake_at() const {
  const auto state = state_wakes_at();
  const auto stray = stray_.wake_at();
  return state && stray ? std::min(*state, *stray) : (state ? state : stray);
}

std::optional<model::SinceBoot> TapSession::state_wakes_at() const {
  switch (state_) {
    case TapState::authorizing:
      return entered_ + rules_.authorize_timeout;
    case TapState::preparing:
      return entered_ + rules_.prepare_timeout;
    case TapState::ready:
    case TapState::pouring: {
      const bool nothing_due =
          sale_->progress_under_way || sale_->meter.charged() == sale_->progress_volume;
      const auto progress_due =
          nothing_due ? model::SinceBoot::max() : sale_->progress_at + rules_.progress_every;
      return std::min({sale_->opened_at + rules_.longest_open,
                       sale_->silent_since + rules_.no_flow_timeout, progress_due,
                       keg_silent_at().value_or(model::SinceBoot::max())});
    }
    case TapState::settling:
      if (service_) {
        return std::min(service_->last_flow + rules_.tail_quiet,
                        service_->shut_at + rules_.longest_tail);
      }
      if (!sale_->row_written) return std::nullopt;
      return std::min(sale_->last_flow + rules_.tail_quiet, sale_->shut_at + rules_.longest_tail);
    case TapState::denied:
      if (card_) return std::nullopt;
      return entered_ + rules_.denial_shown;
    case TapState::starting:
    case TapState::idle:
    case TapState::finished:
    case TapState::locked:
    case TapState::faulted:
      return std::nullopt;
    case TapState::servicing:
      return std::min(model::SinceBoot{service_->opened_at + service_->what.longest},
                      service_told_next());
    case TapState::service_menu:
      return menu_->wake_at();
  }
  return std::nullopt;
}

// --- locks and faults ----------------------------------------------------------------------------

namespace {

StopReason stop_reason(LockReason reason) {
  switch (reason) {
    case LockReason::emergency_stop:
      return StopReason::emergency_stop;
    case LockReason::storage:
      return StopReason::storage_fault;
    case LockReason::shutdown:
      return StopReason::shutdown;
    case LockReason::tap_status:
    case LockReason::no_keg:
    case LockReason::unsafe_kill:
    case LockReason::keg_empty:
    case LockReason::service:
    case LockReason::silent:
      return StopReason::tap_locked;
  }
  return StopReason::tap_locked;
}

StopReason stop_reason(FaultKind kind) {
  switch (kind) {
    case FaultKind::reader:
      return StopReason::reader_fault;
    case FaultKind::meter:
    case FaultKind::noise:
      return StopReason::meter_fault;
    case FaultKind::valve:
    case FaultKind::leak:
    case FaultKind::stuck_valve:
      return StopReason::valve_fault;
  }
  return StopReason::valve_fault;
}

}  // namespace

void TapSession::on_event(const Locked& event, const Moment& now) {
  const auto [lock, is_new] = locks_.emplace(event.reason, event.why);
  const bool reworded = event.reason == LockReason::service && lock->second != event.why;
  if (!is_new && !reworded) return;
  lock->second = event.why;
  if (event.reason == LockReason::shutdown) stray_.close_books(now.since_boot, out_);
  out_.emplace_back(Say{.topic = Topic::tap_locked,
                        .detail = std::string{to_text(event.reason)} + ": " + event.why,
                        .reason = to_text(event.reason)});
  if (service_) {
    if (valve_open() && bars_staff(event.reason)) end_service(now);
    return;
  }
  if (valve_open()) return stop(stop_reason(event.reason), now);
  if (state_ == TapState::preparing) return interrupt(stop_reason(event.reason), now);
  if (state_ != TapState::settling && state_ != TapState::starting) rest(now);
}

void TapSession::on_event(const Unlocked& event, const Moment& now) {
  if (event.reason == LockReason::keg_empty) keg_in_doubt_ = false;
  if (locks_.erase(event.reason) == 0) return;
  out_.emplace_back(Say{.topic = Topic::tap_unlocked,
                        .detail = std::string{to_text(event.reason)},
                        .reason = to_text(event.reason)});
  if (state_ == TapState::locked) rest(now);
}

void TapSession::on_event(const Faulted& event, const Moment& now) {
  if (!faults_.emplace(event.kind, event.what).second) return;
  if (event.kind == FaultKind::noise) out_.emplace_back(ListenToMeter{false});
  out_.emplace_back(Say{.topic = Topic::tap_faulted,
                        .detail = std::string{to_text(event.kind)} + ": " + event.what,
                        .reason = to_text(event.kind),
                        .fault = event.kind});
  if (service_) {
    if (valve_open()) end_service(now);
    return;
  }
  if (valve_open()) return stop(stop_reason(event.kind), now);
  if (state_ == TapState::preparing) return interrupt(stop_reason(event.kind), now);
  if (state_ != TapState::settling && state_ != TapState::starting) rest(now);
}

void TapSession::on_event(const Repaired& event, const Moment& now) {
  if (faults_.erase(event.kind) == 0) return;
  out_.emplace_back(Say{.topic = Topic::tap_repaired,
                        .detail = std::string{to_text(event.kind)},
                        .reason = to_text(event.kind)});
  if (state_ == TapState::faulted) rest(now);
}

/// Goes where a tap without a session belongs: broken, locked, waiting for the card to be taken
/// away, or idle.
void TapSession::rest(const Moment& now) {
  sale_.reset();
  if (!faults_.empty()) {
    reason_ = fault_in_words();
    enter(TapState::faulted, now);
    out_.emplace_back(Show{Display::fault});
  } else if (!locks_.empty()) {
    reason_ = std::string{to_text(locks_.begin()->first)} + ": " + locks_.begin()->second;
    enter(TapState::locked, now);
    out_.emplace_back(Show{Display::locked});
  } else if (card_) {
    // A card that lay there while the tap was not well must be laid on anew: nobody expects the
    // valve to open by itself.
    enter(TapState::finished, now);
    out_.emplace_back(Show{Display::remove_card});
  } else {
    reason_.clear();
    enter(TapState::idle, now);
    out_.emplace_back(Show{Display::idle});
  }
}

std::string TapSession::fault_in_words() const {
  const auto stuck = faults_.find(FaultKind::stuck_valve);
  const auto& [kind, what] = stuck != faults_.end() ? *stuck : *faults_.begin();
  return std::string{to_text(kind)} + ": " + what;
}

void TapSession::enter(TapState state, const Moment& now) {
  state_ = state;
  entered_ = now.since_boot;
  asking_.reset();
  const bool at_menu = state == TapState::service_menu || state == TapState::servicing ||
                       (state == TapState::settling && service_);
  if (!at_menu) menu_.reset();
}

OwnClosings TapSession::own_closings() const {
  return own_closings_among(locks_, faults_);
}

TapView TapSession::view() const {
  TapView view{.state = state_,
               .reason = reason_,
               .card = card_,
               .grant = {},
               .client_tx_id = {},
               .volume = {},
               .price = {}};
  if (service_) {
    view.volume = service_->volume.volume();
    view.edges = service_->edges;
  }
  if (sale_) {
    view.card = sale_->card;
    view.grant = sale_->grant;
    view.client_tx_id = sale_->id;
    view.volume = sale_->meter.charged();
    view.price = model::price_of(view.volume, sale_->grant.price);
  }
  return view;
}

// --- names ---------------------------------------------------------------------------------------

std::string_view to_text(TapState state) {
  constexpr std::array<std::string_view, tap_state_count> texts{
      "starting", "idle",     "authorizing", "preparing", "ready",     "pouring",     "settling",
      "denied",   "finished", "locked",      "faulted",   "servicing", "service_menu"};
  return texts.at(static_cast<std::size_t>(state));
}

std::string_view to_text(LockReason reason) {
  constexpr std::array<std::string_view, 9> texts{"emergency_stop", "tap_status", "no_keg",
                                                  "storage",        "shutdown",   "unsafe_kill",
                                                  "keg_empty",      "service",    "silent"};
  return texts.at(static_cast<std::size_t>(reason));
}

std::string_view to_text(FaultKind kind) {
  constexpr std::array<std::string_view, 6> texts{"reader", "meter", "valve",
                                                  "leak",   "noise", "stuck_valve"};
  return texts.at(static_cast<std::size_t>(kind));
}

}  // namespace tapd
