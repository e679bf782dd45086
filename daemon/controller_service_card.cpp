// The controller's part for a staff card: whose card it is is read from the cache, never from the
// network, and what its menu has chosen is done once it is in the audit log.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/controller.hpp"

namespace tapd {

using model::Moment;

void Controller::read_staff_facts(TapSlot& tap, const model::CardUid& card) {
  const PolicyRules& policy = options_.policy;
  if (policy.service_cards.empty() && policy.staff_guests.empty()) return;
  tap.staff_ticket = ++last_ticket_;
  tap.staff_card = card;
  ports_.storage(ReadFacts{.ticket = tap.staff_ticket, .card = card, .tap = tap.setup.id});
}

void Controller::decide_staff(TapSlot& tap, const FactsRead& facts, const Moment& now) {
  const bool asking = tap.session.state() == TapState::authorizing;
  if (!facts.result) {
    return deliver(tap,
                   Denied{{.reason = DenialReason::ledger_unavailable,
                           .message = facts.result.error().message}},
                   now);
  }
  if (!is_staff(options_.policy, tap.staff_card, *facts.result)) {
    if (asking) ask_guest(tap, tap.staff_card);
    return;
  }
  // A card that was lost opens nothing, in whose pocket it ever was.
  if (auto refusal = refusal_of_guest(*facts.result)) {
    return deliver(tap, Denied{*std::move(refusal)}, now);
  }
  deliver(tap, StaffCard{tap.staff_card}, now);
}

void Controller::note_act(TapSlot& tap, const RunAct& run, const Moment& now) {
  std::string detail = "with the card";
  if (const auto work = work_of(run.act)) {
    const ServiceBegun usual = usual_work(*work);
    detail = fmt::format("at most {} s and {}", usual.longest.count() / 1'000,
                         model::to_text(usual.most));
  } else if (run.act == ServiceAct::lift_limits) {
    detail =
        fmt::format("for the next pour asked for within {} s", options_.policy.lift_for.count());
  }
  ports_.storage(
      NoteAct{.tap = tap.setup.id, .card = run.card, .act = run.act, .detail = detail, .at = now});
}

/// An act counts from when it is in the audit log, and only if the menu still waits for it.
void Controller::on_act_noted(const ActNoted& noted, const Moment& now) {
  TapSlot* tap = find(noted.tap);
  if (tap == nullptr) return;
  if (!noted.result && noted.act == ServiceAct::stop) {
    ports_.journal->line(Message::ledger_trouble, Level::error,
                         "ledger: " + noted.result.error().message, fields_of(*tap));
  }
  if (!tap->session.waits_for(noted.act, noted.card)) return;
  const auto deny = [&](DenialReason reason, std::string message) {
    deliver(*tap, Denied{{.reason = reason, .message = std::move(message)}}, now);
  };
  if (!noted.result) return deny(DenialReason::ledger_unavailable, noted.result.error().message);
  if (const auto work = work_of(noted.act)) {
    ServiceBegun chosen = usual_work(*work);
    chosen.from_menu = true;
    const auto begun = begin_service(noted.tap, chosen, now);
    if (!begun) deny(DenialReason::tap_not_active, begun.error());
    return;
  }
  tap->service_card = noted.card;
  tap->lift_ends = now.since_boot + options_.policy.lift_for;
  deny(DenialReason::limits_lifted,
       fmt::format("the serving limits do not hold for the next pour here, if it is asked for "
                   "within {} s",
                   options_.policy.lift_for.count()));
}

}  // namespace tapd
