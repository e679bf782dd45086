// The tap session's part for a staff card: its menu opens, is led by touches, and hands an act over
// to be noted and done. The valve opens in `servicing` only, as for staff with tapctl.
#include "daemon/core/tap_session.hpp"

namespace tapd {

using model::Moment;

namespace {

Display display_for(ServiceAct act) {
  switch (act) {
    case ServiceAct::lift_limits:
      return Display::menu_lift;
    case ServiceAct::bleed:
      return Display::menu_bleed;
    case ServiceAct::clean:
      return Display::menu_clean;
    case ServiceAct::keg_change:
      return Display::menu_keg;
    case ServiceAct::stop:
      return Display::menu_stop;
  }
  return Display::menu_stop;
}

}  // namespace

/// Only for the card that is being asked for, or that lies at a tap which is locked for guests.
void TapSession::on_event(const StaffCard& event, const Moment& now) {
  const bool asked_for = state_ == TapState::authorizing && asking_ == event.uid;
  const bool at_locked = state_ == TapState::locked && card_ == event.uid;
  if (!asked_for && !at_locked) return;
  for (const auto& [reason, why] : locks_) {
    if (!bars_staff(reason)) continue;
    out_.emplace_back(Say{.topic = Topic::denied,
                          .detail = std::string{to_text(reason)} + ": " + why,
                          .reason = to_text(reason)});
    return;
  }
  enter(TapState::service_menu, now);
  menu_.emplace(event.uid, card_.has_value(), now.since_boot, rules_.menu);
  out_.emplace_back(Say{.topic = Topic::menu_opened, .detail = {}});
  show_act();
}

void TapSession::show_act() {
  reason_ = std::string{to_text(menu_->act())};
  out_.emplace_back(Show{display_for(menu_->act())});
}

/// Laid on while the menu is open. Another card closes it, and is served as if it had never been.
void TapSession::touch_menu(const model::CardUid& uid, const Moment& now) {
  if (lay_there_) {  // Nobody's touch: the reader could not see it for a while.
    if (uid != menu_->card()) rest(now);
    return;
  }
  if (uid == menu_->card()) {
    if (menu_->laid_on(now.since_boot) == ServiceMenu::Step::chosen) show_act();
    return;
  }
  if (!blocked()) return authorize(uid, now);
  rest(now);
  out_.emplace_back(AskStaff{uid});
}

/// Laid on while the valve is open for staff. Who works with a card stops with a card, and so does
/// anybody else's: a shut valve is never wrong.
void TapSession::touch_service(const model::CardUid& uid, const Moment& now) {
  if (!menu_) return;
  if (uid == menu_->card() && menu_->laid_on(now.since_boot) != ServiceMenu::Step::stop) return;
  out_.emplace_back(StaffStopped{uid});
  end_service(now);
}

void TapSession::lead_menu(const Moment& now) {
  switch (menu_->tick(now.since_boot)) {
    case ServiceMenu::Step::run:
      out_.emplace_back(RunAct{.act = menu_->act(), .card = menu_->card()});
      out_.emplace_back(Show{Display::wait});
      return;
    case ServiceMenu::Step::close:
      out_.emplace_back(Say{.topic = Topic::menu_closed, .detail = {}});
      return rest(now);
    case ServiceMenu::Step::unanswered:
      return deny({.reason = DenialReason::ledger_unavailable,
                   .message = "the act could not be noted in time: try again"},
                  now);
    case ServiceMenu::Step::nothing:
    case ServiceMenu::Step::chosen:
    case ServiceMenu::Step::stop:
      return;
  }
}

bool TapSession::waits_for(ServiceAct act, const model::CardUid& card) const {
  return menu_ && menu_->waits() && menu_->act() == act && menu_->card() == card;
}

}  // namespace tapd
