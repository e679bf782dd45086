#include "daemon/core/policy.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace tapd {
namespace {

Denial deny(DenialReason reason, std::string message) {
  return {.reason = reason, .message = std::move(message)};
}

/// What forbids a pour whatever the balance: the refusals that hold online and offline alike.
std::optional<Denial> standing_refusal(const model::AuthorizationFacts& facts) {
  if (facts.emergency_stop) {
    return deny(DenialReason::emergency_stop, "the venue's emergency stop is on");
  }
  if (facts.tap && facts.tap->status != model::TapStatus::active) {
    return deny(DenialReason::tap_not_active,
                "the venue has set this tap to " + std::string{to_text(facts.tap->status)});
  }
  if (facts.tap && !facts.tap->keg_id) {
    return deny(DenialReason::no_keg, "no keg is connected to this tap at the venue");
  }
  return refusal_of_guest(facts);
}

std::optional<model::LitrePrice> price_for(const model::AuthorizationFacts& facts,
                                           std::optional<model::LitrePrice> from_server,
                                           std::optional<model::LitrePrice> own_price) {
  if (from_server) return from_server;
  if (facts.beverage) return facts.beverage->price;
  return own_price;
}

bool balance_too_old(const PolicyRules& rules, const model::AuthorizationFacts& facts,
                     const model::Moment& now, const model::BootId& boot) {
  const model::Moment& heard = *facts.heard_at;
  if (facts.heard_boot == boot) return now.since_boot - heard.since_boot > rules.oldest_balance;
  // Another boot: only wall time can tell. Without a trusted clock on both sides the age is
  // unknown, and the balance counts: a venue that wakes up without a network must be able to sell.
  if (!now.wall_trusted || !heard.wall_trusted) return false;
  return now.wall - heard.wall > rules.oldest_balance;
}

// Bounds the grant by the serving limits, or says that they are reached.
std::optional<Denial> limit_serving(const PolicyRules& rules,
                                    const model::AuthorizationFacts& facts, Grant& grant,
                                    const model::Moment& now, const model::BootId& boot) {
  const auto left = left_to_serve(rules.serving_limits, grant.category, facts.servings, now, boot);
  if (!left) return std::nullopt;
  if (*left < rules.smallest_start) {
    return deny(DenialReason::serving_limit,
                "this guest was served as much of " +
                    (grant.category.empty() ? std::string{"this"} : grant.category) +
                    " as policy.serving_limit allows for now; a service card lifts it");
  }
  grant.limit = std::min(grant.limit, *left);
  return std::nullopt;
}

Decision grant_within(const PolicyRules& rules, const model::AuthorizationFacts& facts, Grant grant,
                      model::Volume most, const model::Moment& now, const model::BootId& boot) {
  const model::Volume affordable = model::volume_for(
      std::min(facts.available + grant.overdraft, rules.dearest_pour), grant.price);
  grant.limit = std::min({most, affordable, rules.largest_pour});
  if (facts.keg) {
    grant.limit = std::min(grant.limit, facts.keg->current_volume);
    grant.keg_left = facts.keg->current_volume;
  }
  if (facts.keg && facts.keg->current_volume < rules.smallest_start) {
    return deny(DenialReason::no_keg,
                "by the venue's books the keg is empty: connect the new one there");
  }
  if (grant.limit < rules.smallest_start) {
    return deny(DenialReason::insufficient_funds,
                "balance " + model::to_text(facts.available) + " is not enough for " +
                    model::to_text(rules.smallest_start) + ": top up at the bar");
  }
  if (facts.beverage) grant.category = facts.beverage->style;
  if (auto refusal = limit_serving(rules, facts, grant, now, boot)) return *std::move(refusal);
  grant.hold = model::price_of(grant.limit, grant.price);
  if (facts.tap && facts.tap->keg_id) grant.keg_id = *facts.tap->keg_id;
  if (facts.beverage) grant.beverage = facts.beverage->name;
  return grant;
}

// What the offline limits leave for one more pour, or whose limit is reached.
tl::expected<model::Money, Denial> left_offline(const PolicyRules& rules,
                                                const model::AuthorizationFacts& facts,
                                                model::LitrePrice price) {
  const model::Money least = model::price_of(rules.smallest_start, price);
  const model::Money guest = rules.offline.per_guest - facts.offline_guest.spent;
  if (guest < least || facts.offline_guest.pours >= rules.offline.pours_per_guest) {
    return tl::unexpected(deny(DenialReason::offline_guest_limit,
                               "this guest has poured " +
                                   std::to_string(facts.offline_guest.pours) + " times for " +
                                   model::to_text(facts.offline_guest.spent) +
                                   " that the server has not confirmed: it must be reached first"));
  }
  const model::Money controller = rules.offline.controller - facts.offline_controller.spent;
  if (controller < least) {
    return tl::unexpected(
        deny(DenialReason::offline_exposure,
             "pours for " + model::to_text(facts.offline_controller.spent) +
                 " wait for the server, the most that policy.offline_exposure allows: bring the "
                 "network back"));
  }
  return std::min(guest, controller);
}

}  // namespace

std::optional<Denial> refusal_of_guest(const model::AuthorizationFacts& facts) {
  if (facts.card && facts.card->status == model::CardStatus::lost) {
    return deny(DenialReason::lost_card, "this card was reported lost: keep it at the bar");
  }
  if (facts.card && facts.card->status == model::CardStatus::inactive) {
    return deny(DenialReason::inactive_card, "this card is not active: activate it at the bar");
  }
  if (facts.guest && !facts.guest->active) {
    return deny(DenialReason::inactive_guest, "this guest's account is not active");
  }
  return std::nullopt;
}

/// Ids are UUIDs: case does not matter (RFC 9562, section 4).
bool same_id(std::string_view one, std::string_view other) {
  const auto lower = [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  };
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [lower](char a, char b) { return lower(a) == lower(b); });
}

bool is_service_card(const PolicyRules& rules, const model::CardUid& card) {
  const auto& cards = rules.service_cards;
  return std::find(cards.begin(), cards.end(), card) != cards.end();
}

bool is_staff(const PolicyRules& rules, const model::CardUid& card,
              const model::AuthorizationFacts& facts) {
  if (is_service_card(rules, card)) return true;
  const auto& guests = rules.staff_guests;
  return facts.card && facts.card->guest_id &&
         std::any_of(guests.begin(), guests.end(), [&facts](const model::GuestId& guest) {
           return same_id(guest.text(), facts.card->guest_id->text());
         });
}

Decision decide_offline(const PolicyRules& rules, const model::AuthorizationFacts& facts,
                        std::optional<model::LitrePrice> own_price, const model::Moment& now,
                        const model::BootId& boot) {
  if (auto refusal = standing_refusal(facts)) return *std::move(refusal);
  if (!rules.sell_offline) {
    return deny(DenialReason::offline_not_allowed,
                "the server cannot be asked and "
                "policy.sell_offline is off");
  }
  if (!facts.card || !facts.guest) {
    return deny(DenialReason::unknown_card, "this card is not known here: register it at the bar");
  }
  if (!facts.heard_at) {
    return deny(DenialReason::balance_too_old, "no balance was ever heard for this guest");
  }
  if (balance_too_old(rules, facts, now, boot)) {
    return deny(DenialReason::balance_too_old,
                "the cached balance is older than policy.oldest_balance_hours");
  }
  const auto price = price_for(facts, std::nullopt, own_price);
  if (!price) return deny(DenialReason::no_price, "no litre price is known for this tap");
  Grant grant;
  grant.guest_id = facts.guest->id;
  grant.guest_first_name = facts.guest->first_name;
  grant.price = *price;
  grant.by = model::AuthorizedBy::cache;
  auto left = left_offline(rules, facts, *price);
  if (!left) return std::move(left.error());
  return grant_within(rules, facts, std::move(grant), model::volume_for(*left, *price), now, boot);
}

Decision decide_online(const PolicyRules& rules, const model::AuthorizationFacts& facts,
                       const ServerLeave& leave, std::optional<model::LitrePrice> own_price,
                       const model::Moment& now, const model::BootId& boot) {
  if (auto refusal = standing_refusal(facts)) return *std::move(refusal);
  auto price = price_for(facts, leave.price, own_price);
  // The server bills by its own price: its limit is obeyed, and what is shown is no less.
  const bool about = !price && leave.rounded_price > model::LitrePrice{};
  if (about) price = leave.rounded_price;
  if (!price) return deny(DenialReason::no_price, "no litre price is known for this tap");
  Grant grant;
  grant.price_is_about = about;
  grant.guest_id = leave.guest_id;
  grant.guest_first_name = leave.guest_first_name;
  grant.price = *price;
  grant.by = model::AuthorizedBy::server;
  // Of a guest who is not known here nobody knows what was poured and not booked yet.
  if (facts.guest) grant.overdraft = leave.overdraft;
  return grant_within(rules, facts, std::move(grant), leave.most, now, boot);
}

namespace {

constexpr std::array<std::pair<DenialReason, std::string_view>, 18> reason_texts{{
    {DenialReason::unknown_card, "unknown_card"},
    {DenialReason::lost_card, "lost_card"},
    {DenialReason::inactive_card, "inactive_card"},
    {DenialReason::inactive_guest, "inactive_guest"},
    {DenialReason::insufficient_funds, "insufficient_funds"},
    {DenialReason::balance_too_old, "balance_too_old"},
    {DenialReason::offline_not_allowed, "offline_not_allowed"},
    {DenialReason::offline_guest_limit, "offline_guest_limit"},
    {DenialReason::offline_exposure, "offline_exposure"},
    {DenialReason::emergency_stop, "emergency_stop"},
    {DenialReason::tap_not_active, "tap_not_active"},
    {DenialReason::no_keg, "no_keg"},
    {DenialReason::no_price, "no_price"},
    {DenialReason::refused_by_server, "refused_by_server"},
    {DenialReason::several_cards, "several_cards"},
    {DenialReason::ledger_unavailable, "ledger_unavailable"},
    {DenialReason::serving_limit, "serving_limit"},
    {DenialReason::limits_lifted, "limits_lifted"},
}};

}  // namespace

std::string_view to_text(DenialReason reason) {
  const auto* const found =
      std::find_if(reason_texts.begin(), reason_texts.end(),
                   [reason](const auto& entry) { return entry.first == reason; });
  return found == reason_texts.end() ? "unnamed" : found->second;
}

Denial denial_from_server(const std::string& reason, const std::string& message) {
  // The server's words of the wire contract, section 1; "no_active_visit" is also its answer to a
  // card that it does not know.
  if (reason == "lost_card") {
    return deny(DenialReason::lost_card, "this card was reported lost: keep it at the bar");
  }
  if (reason == "insufficient_funds") {
    return deny(DenialReason::insufficient_funds, "not enough balance: top up at the bar");
  }
  if (reason == "no_active_visit" || reason == "unknown_card") {
    return deny(DenialReason::unknown_card,
                "the server knows no active visit for this card: register it at the bar");
  }
  return deny(DenialReason::refused_by_server,
              message.empty() ? "the server refused: " + reason : reason + ": " + message);
}

}  // namespace tapd
