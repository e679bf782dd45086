// The controller's part between a card and a decision: who is asked, and what is made of the
// answers.
#include <algorithm>
#include <utility>

#include "daemon/controller.hpp"

namespace tapd {

using model::Moment;

namespace {
const Denial too_slow{
    .reason = DenialReason::ledger_unavailable,
    .message = "the disk takes seconds for a write: no new pour until it is quicker"};
}

void Controller::ask_authorization(TapSlot& tap, const model::CardUid& card) {
  tap.ticket = ++last_ticket_;
  tap.staff_ticket = 0;
  const PolicyRules& policy = options_.policy;
  // The cache tells whose card it is, so staff need no network. Where no guest is staff, a guest's
  // card is not looked up twice.
  if (!policy.staff_guests.empty() || is_service_card(policy, card)) {
    return read_staff_facts(tap, card);
  }
  ask_guest(tap, card);
}

void Controller::ask_guest(TapSlot& tap, const model::CardUid& card) {
  tap.allowed.reset();
  if (options_.authorize == AuthorizeMode::cached) return read_facts(tap, card);
  ports_.ask_server({.ticket = tap.ticket, .card = card, .tap = tap.setup.id});
}

void Controller::read_facts(TapSlot& tap, const model::CardUid& card) {
  ports_.storage(ReadFacts{.ticket = tap.ticket, .card = card, .tap = tap.setup.id});
}

void Controller::on_authorized(const sync::AuthorizeAnswered& answer, const Moment& now) {
  TapSlot* tap = find(answer.tap);
  if (tap == nullptr || tap->ticket != answer.ticket) return;
  const bool asking = tap->session.state() == TapState::authorizing;
  if (const auto* refused = std::get_if<sync::Refused>(&answer.verdict)) {
    const Denial denial = denial_from_server(refused->reason, refused->message);
    // The cache may have let this card pour meanwhile; the server's word wins.
    return deliver(*tap, asking ? Event{Denied{denial}} : Event{RefusedLate{denial}}, now);
  }
  if (!asking) return;
  if (const auto* allowed = std::get_if<sync::Allowed>(&answer.verdict)) tap->allowed = *allowed;
  read_facts(*tap, answer.card);
}

void Controller::decide(TapSlot& tap, const FactsRead& facts, const Moment& now) {
  if (tap.session.state() != TapState::authorizing) return;
  if (!facts.result) {
    return deliver(tap,
                   Denied{{.reason = DenialReason::ledger_unavailable,
                           .message = facts.result.error().message}},
                   now);
  }
  if (pace_.slow(now.since_boot)) return deliver(tap, Denied{too_slow}, now);
  PolicyRules rules = options_.policy;
  if (lifted(tap, now)) rules.serving_limits.clear();
  Decision decision;
  if (tap.allowed) {
    const ServerLeave leave{.guest_id = tap.allowed->guest_id,
                            .guest_first_name = tap.allowed->guest_first_name,
                            .most = tap.allowed->most,
                            .price = tap.allowed->price,
                            .rounded_price = tap.allowed->rounded_price,
                            .overdraft = tap.allowed->overdraft};
    decision = decide_online(rules, *facts.result, leave, tap.setup.own_price, now, options_.boot);
  } else {
    decision = decide_offline(rules, *facts.result, tap.setup.own_price, now, options_.boot);
  }
  if (const auto* denial = std::get_if<Denial>(&decision)) {
    return deliver(tap, Denied{*denial}, now);
  }
  const Grant& grant = std::get<Grant>(decision);
  tap.guest = grant.guest_first_name;
  tap.beverage = grant.beverage;
  tap.lifted_by = lifted(tap, now) ? std::exchange(tap.service_card, std::nullopt) : std::nullopt;
  deliver(
      tap,
      Granted{.grant = grant, .client_tx_id = model::ClientTxId::from_random(ports_.random_id())},
      now);
}

}  // namespace tapd
