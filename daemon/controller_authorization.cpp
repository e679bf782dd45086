// The controller's part between a card and a decision: who is asked, and what is made of the
// answers.
#include <utility>

#include "daemon/controller.hpp"

namespace tapd {

using model::Moment;

void Controller::ask_authorization(TapSlot& tap, const model::CardUid& card) {
  tap.ticket = ++last_ticket_;
  tap.allowed.reset();
  if (options_.authorize == AuthorizeMode::cached) return read_facts(tap, card);
  ports_.ask_server({.ticket = tap.ticket, .card = card, .tap = tap.setup.id});
}

void Controller::read_facts(TapSlot& tap, const model::CardUid& card) {
  ports_.storage(ReadFacts{.ticket = tap.ticket, .card = card, .tap = tap.setup.id});
}

void Controller::on_authorized(const sync::AuthorizeAnswered& answer, const Moment& now) {
  TapSlot* tap = find(answer.tap);
  if (tap == nullptr || tap->ticket != answer.ticket ||
      tap->session.state() != TapState::authorizing) {
    return;
  }
  if (const auto* refused = std::get_if<sync::Refused>(&answer.verdict)) {
    return deliver(*tap, Denied{denial_from_server(refused->reason, refused->message)}, now);
  }
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
  Decision decision;
  if (tap.allowed) {
    const ServerLeave leave{.guest_id = tap.allowed->guest_id,
                            .guest_first_name = tap.allowed->guest_first_name,
                            .most = tap.allowed->most,
                            .price = tap.allowed->price};
    decision = decide_online(options_.policy, *facts.result, leave, tap.setup.own_price);
  } else {
    decision =
        decide_offline(options_.policy, *facts.result, tap.setup.own_price, now, options_.boot);
  }
  if (const auto* denial = std::get_if<Denial>(&decision)) {
    return deliver(tap, Denied{*denial}, now);
  }
  const Grant& grant = std::get<Grant>(decision);
  tap.guest = grant.guest_first_name;
  tap.beverage = grant.beverage;
  deliver(
      tap,
      Granted{.grant = grant, .client_tx_id = model::ClientTxId::from_random(ports_.random_id())},
      now);
}

}  // namespace tapd
