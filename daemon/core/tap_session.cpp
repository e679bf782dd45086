#include "daemon/core/tap_session.hpp"

#include <algorithm>
#include <utility>

namespace tapd {

using model::Moment;
using model::StopReason;

TapSession::TapSession(model::TapId tap, SessionRules rules, Calibration calibration,
                       TailEstimate tail)
    : tap_{tap},
      rules_{rules},
      calibration_{calibration},
      tail_{std::move(tail)},
      noise_{rules.meter.most_millihertz},
      stray_{rules.stray} {}

Actions TapSession::on(const Event& event, const Moment& now) {
  out_.clear();
  std::visit([&](const auto& what) { on_event(what, now); }, event);
  return std::move(out_);
}

bool TapSession::recalibrate(Calibration calibration) {
  if (!may_recalibrate()) return false;
  calibration_ = calibration;
  return true;
}

// --- start and cards -----------------------------------------------------------------------------

void TapSession::on_event(const Started&, const Moment& now) {
  if (state_ == TapState::starting) rest(now);
}

void TapSession::on_event(const CardPresent& event, const Moment& now) {
  const bool again = (sale_ && sale_->card == event.uid) || asking_ == event.uid;
  const bool laid_on_anew = !card_;
  card_ = event.uid;
  lay_there_ = event.lay_there;
  switch (state_) {
    case TapState::idle:
      if (event.lay_there) return rest(now);
      authorize(event.uid, now);
      return;
    case TapState::ready:
    case TapState::pouring:
      // Tap-to-start: the card was away and came back, or it is somebody else's: both end it.
      stop(again ? StopReason::card_tapped : StopReason::other_card, now);
      return;
    case TapState::authorizing:
    case TapState::preparing:
      // A second card before the valve opened: nobody knows whose pour it would be.
      if (!again) interrupt(StopReason::other_card, now);
      return;
    case TapState::denied:
      if (laid_on_anew && !event.lay_there) authorize(event.uid, now);
      return;
    case TapState::locked:
      if (!event.lay_there) out_.emplace_back(AskStaff{event.uid});
      return;
    case TapState::service_menu:
      touch_menu(event.uid, now);
      return;
    case TapState::servicing:
      touch_service(event.uid, now);
      return;
    case TapState::starting:
    case TapState::settling:
    case TapState::finished:
    case TapState::faulted:
      return;  // waits until the card is gone, or until the tap is well
  }
}

void TapSession::on_event(const CardGone& event, const Moment& now) {
  card_.reset();
  if (menu_) menu_->taken_away(event.last_seen);
  const bool must_stay = rules_.mode == SessionMode::card_present;
  switch (state_) {
    case TapState::authorizing:
    case TapState::preparing:
      if (must_stay) interrupt(StopReason::card_removed, now);
      return;
    case TapState::ready:
    case TapState::pouring:
      if (must_stay) stop(StopReason::card_removed, now);
      return;
    case TapState::finished:
      rest(now);
      return;
    case TapState::starting:
    case TapState::idle:
    case TapState::settling:
    case TapState::denied:  // stays to be read; a tick ends it
    case TapState::locked:
    case TapState::faulted:
    case TapState::servicing:
    case TapState::service_menu:
      return;
  }
}

void TapSession::on_event(const CardUnusable& event, const Moment& now) {
  switch (state_) {
    case TapState::idle:
    case TapState::finished:
      deny({.reason = DenialReason::several_cards, .message = event.why}, now);
      return;
    case TapState::authorizing:
    case TapState::preparing:
      interrupt(StopReason::other_card, now);
      return;
    case TapState::ready:
    case TapState::pouring:
      stop(StopReason::other_card, now);
      return;
    case TapState::service_menu:
      rest(now);
      return;
    case TapState::servicing:
      if (menu_) end_service(now);
      return;
    case TapState::starting:
    case TapState::settling:
    case TapState::denied:
    case TapState::locked:
    case TapState::faulted:
      return;
  }
}

void TapSession::authorize(const model::CardUid& card, const Moment& now) {
  enter(TapState::authorizing, now);
  asking_ = card;
  reason_.clear();
  // Asked first: the journal's line must not carry the name of the guest before.
  out_.emplace_back(AskAuthorization{card});
  out_.emplace_back(Say{.topic = Topic::card_seen, .detail = {}});
  out_.emplace_back(Show{Display::wait});
}

namespace {

Display display_for(DenialReason reason) {
  switch (reason) {
    case DenialReason::insufficient_funds:
      return Display::denied_funds;
    case DenialReason::unknown_card:
    case DenialReason::lost_card:
    case DenialReason::inactive_card:
    case DenialReason::inactive_guest:
    case DenialReason::several_cards:
      return Display::denied_card;
    case DenialReason::balance_too_old:
    case DenialReason::offline_not_allowed:
    case DenialReason::offline_guest_limit:
    case DenialReason::offline_exposure:
    case DenialReason::emergency_stop:
    case DenialReason::tap_not_active:
    case DenialReason::no_keg:
    case DenialReason::no_price:
    case DenialReason::refused_by_server:
    case DenialReason::ledger_unavailable:
    case DenialReason::serving_limit:
      return Display::denied_tap;
    case DenialReason::limits_lifted:
      return Display::remove_card;
  }
  return Display::denied_tap;
}

Say words_for(const Denial& denial) {
  return {.topic = Topic::denied,
          .detail = std::string{to_text(denial.reason)} + ": " + denial.message,
          .reason = to_text(denial.reason)};
}

}  // namespace

/// `denied` serves the next card, so a tap that is locked or broken does not go there.
void TapSession::deny(const Denial& denial, const Moment& now) {
  if (blocked()) {
    out_.emplace_back(words_for(denial));
    return rest(now);
  }
  sale_.reset();
  enter(TapState::denied, now);
  reason_ = std::string{to_text(denial.reason)};
  out_.emplace_back(Show{display_for(denial.reason)});
  out_.emplace_back(words_for(denial));
}

// --- from leave to flow --------------------------------------------------------------------------

void TapSession::on_event(const Granted& event, const Moment& now) {
  if (state_ != TapState::authorizing) return;  // the card left, or something broke meanwhile
  sale_ = Sale{.grant = event.grant,
               .id = event.client_tx_id,
               .card = *asking_,
               .meter = new_meter(now),
               .silent_from = {},
               .progress_volume = {}};
  enter(TapState::preparing, now);
  out_.emplace_back(BeginPour{.begin = {.client_tx_id = event.client_tx_id,
                                        .guest_id = event.grant.guest_id,
                                        .card_uid = sale_->card,
                                        .tap_id = tap_,
                                        .keg_id = event.grant.keg_id,
                                        .price = event.grant.price,
                                        .authorized_by = event.grant.by,
                                        .hold = event.grant.hold,
                                        .start = now,
                                        .calibration_id = calibration_.id}});
}

void TapSession::on_event(const Denied& event, const Moment& now) {
  if (state_ == TapState::authorizing) return deny(event.denial, now);
  if (state_ == TapState::service_menu) deny(event.denial, now);
}

void TapSession::on_event(const RefusedLate& event, const Moment& now) {
  if (state_ == TapState::preparing) return interrupt(StopReason::refused_late, now);
  if (state_ != TapState::ready && state_ != TapState::pouring) return;
  if (sale_->at_limit == StopReason::refused_late) return;
  out_.emplace_back(
      Say{.topic = Topic::refused_late,
          .detail = std::string{to_text(event.denial.reason)} + ": " + event.denial.message,
          .reason = to_text(event.denial.reason)});
  Sale& sale = *sale_;
  if (state_ == TapState::ready) return stop(StopReason::refused_late, now);
  sale.at_limit = StopReason::refused_late;
  sale.grant.limit = std::min(sale.grant.limit, sale.meter.most_charged() + rules_.late_refusal);
  stop_at_limit(now);
}

void TapSession::on_event(const BeginWritten&, const Moment& now) {
  if (!sale_ || sale_->row_written) return;
  sale_->row_written = true;
  // The session was broken off while the row was being written: it ends as a pour of nothing.
  if (state_ == TapState::settling) return finish(now);
  if (state_ != TapState::preparing) return;
  sale_->meter = new_meter(now);
  sale_->opened_at = now.since_boot;
  sale_->last_flow = now.since_boot;
  sale_->silent_since = now.since_boot;
  sale_->progress_at = now.since_boot;
  nearly_out_shown_ = false;
  enter(TapState::ready, now);
  out_.emplace_back(OpenValve{});
  out_.emplace_back(Show{Display::ready});
  out_.emplace_back(Say{.topic = Topic::valve_opened, .detail = {}});
}

void TapSession::on_event(const BeginFailed& event, const Moment& now) {
  if (state_ != TapState::preparing && state_ != TapState::settling) return;
  if (!sale_ || sale_->row_written) return;
  // Whoever was denied has gone, and the next guest's card lies there: that one is asked for.
  if (card_ && *card_ != sale_->card && !lay_there_ && !blocked()) {
    out_.emplace_back(words_for(event.denial));
    sale_.reset();
    return authorize(*card_, now);
  }
  deny(event.denial, now);
}

// --- the end of a pour ---------------------------------------------------------------------------

void TapSession::stop(StopReason reason, const Moment& now) {
  Sale& sale = *sale_;
  out_.emplace_back(ShutValve{});
  sale.reason = reason;
  sale.shut_at = now.since_boot;
  sale.meter.shut(now.since_boot);
  // Quiet is counted from the command, not from the last edge: the line may start again.
  sale.last_flow = now.since_boot;
  reason_ = std::string{to_text(reason)};
  enter(TapState::settling, now);
  out_.emplace_back(Show{Display::remove_card});
}

/// Breaks a session off before the valve opened.
void TapSession::interrupt(StopReason reason, const Moment& now) {
  if (state_ == TapState::authorizing) {
    out_.emplace_back(Say{.topic = Topic::abandoned,
                          .detail = std::string{to_text(reason)},
                          .reason = to_text(reason)});
    if (card_)
      return deny({.reason = DenialReason::several_cards,
                   .message = "another card came while the first was being asked for"},
                  now);
    return rest(now);
  }
  // preparing: the open row is on its way to the disk, so it has to be ended, with nothing poured.
  sale_->reason = reason;
  sale_->shut_at = now.since_boot;
  reason_ = std::string{to_text(reason)};
  enter(TapState::settling, now);
  out_.emplace_back(Show{Display::remove_card});
}

void TapSession::settle_if_quiet(const Moment& now) {
  const Sale& sale = *sale_;
  if (!sale.row_written) return;  // waits for BeginWritten or BeginFailed
  if (now.since_boot - sale.last_flow >= rules_.tail_quiet) return finish(now);
  if (now.since_boot - sale.shut_at < rules_.longest_tail) return;
  if (sale.meter.rate(now.since_boot) >= rules_.stray.stuck_rate) {
    stray_.stuck_after_pour(now.since_boot, out_);
    fault_stuck_valve(sale.meter.tail(), now);
  }
  finish(now);
}

void TapSession::finish(const Moment& now) {
  end_row(now);
  const model::CardUid served = sale_->card;
  sale_.reset();
  if (blocked() || !card_) return rest(now);
  if (*card_ != served && !lay_there_) return authorize(*card_, now);
  enter(TapState::finished, now);
}

void TapSession::end_row(const Moment& now) {
  const Sale& sale = *sale_;
  EndPour end{.end = {.last = progress(now), .reason = sale.reason},
              .evidence = sale.meter.evidence(),
              .close_time = {}};
  // A line that is gone tells of no tail.
  const bool believed = !sale.meter.distrusted() && !faults_.contains(FaultKind::meter);
  if (believed && sale.meter.rate_at_shut() >= TailEstimate::slowest_lesson) {
    tail_.learn(sale.meter.tail(), sale.meter.rate_at_shut());
    end.close_time = tail_.close_time();
  }
  if (sale.meter.has_flowed()) last_poured_ = now.since_boot;
  if (sale.meter.has_flowed() && sale.reason != StopReason::no_flow) keg_in_doubt_ = false;
  count_silence(now);
  report_line_refill(now);
  out_.emplace_back(std::move(end));
  reason_ = std::string{to_text(sale.reason)};
  out_.emplace_back(
      Say{.topic = Topic::pour_ended, .detail = reason_, .reason = to_text(sale.reason)});
}

model::PourProgress TapSession::progress(const Moment& now) const {
  const Sale& sale = *sale_;
  const model::Volume volume = sale.meter.charged();
  model::Volume before_shut = volume;
  if (state_ == TapState::settling) {
    // What passed the limit in the reading that reached it is tail too (wire contract, section 2).
    before_shut = std::min(sale.meter.charged_before_shut(), sale.grant.limit);
  }
  const MeterEvidence evidence = sale.meter.evidence();
  return {.client_tx_id = sale.id,
          .volume = volume,
          .tail = volume - before_shut,
          .price = model::price_of(volume, sale.grant.price),
          .pulses = evidence.edges / 2,
          .edges_lost = evidence.edges_lost,
          .at = now};
}

}  // namespace tapd
