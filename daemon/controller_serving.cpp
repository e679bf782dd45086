// The controller's part in what a guest may still be served: the limits that a service card has
// lifted, and the venue's late no to somebody who pours already.
#include "daemon/controller.hpp"

namespace tapd {

using model::Moment;

bool Controller::lifted(const TapSlot& tap, const Moment& now) const {
  return tap.service_card.has_value() && now.since_boot < tap.lift_ends;
}

void Controller::begin_row(TapSlot& tap, const model::PourBegin& begin, const model::Moment& now) {
  const auto grant = tap.session.view().grant;
  BeginRow row{.begin = begin,
               .offline = options_.policy.offline,
               .serving = {},
               .overdraft = grant ? grant->overdraft : model::Money{}};
  if (grant && !options_.policy.serving_limits.empty()) {
    row.serving = ServingClaim{
        .limits = tap.lifted_by ? std::vector<ServingLimit>{} : options_.policy.serving_limits,
        .category = grant->category,
        .limit = grant->limit,
        .lifted_by = tap.lifted_by};
  }
  post_write(std::move(row), now);
}

/// A snapshot may have said that a card is lost or a guest no longer active while they pour.
void Controller::look_at_guests() {
  for (TapSlot& tap : taps_) {
    const TapView view = tap.session.view();
    if (!view.client_tx_id || !view.card || view.state == TapState::settling) continue;
    tap.guest_ticket = ++last_ticket_;
    ports_.storage(ReadFacts{.ticket = tap.guest_ticket, .card = *view.card, .tap = tap.setup.id});
  }
}

void Controller::refuse_late(TapSlot& tap, const model::AuthorizationFacts& facts,
                             const Moment& now) {
  const auto card = tap.session.view().card;
  if (!facts.card || !card || facts.card->uid != *card) return;  // another session by now
  if (auto denial = refusal_of_guest(facts)) deliver(tap, RefusedLate{*std::move(denial)}, now);
}

}  // namespace tapd
