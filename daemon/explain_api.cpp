#include "daemon/explain_api.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api_answers.hpp"
#include "daemon/control_talk.hpp"

namespace tapd {
namespace {

using nlohmann::json;

json grant_json(const Grant& grant) {
  return {{"may_pour", true},
          {"limit_ml", grant.limit.in_millilitres()},
          {"hold_cents", grant.hold.minor_units()},
          {"price_per_litre_cents", grant.price.minor_per_litre()},
          {"beverage", grant.beverage}};
}

json denial_json(const Denial& denial) {
  return {{"may_pour", false}, {"reason", to_text(denial.reason)}, {"message", denial.message}};
}

/// Whether the controller itself turns the card away, whatever the server allows.
bool stands(const Denial& denial) {
  using enum DenialReason;
  constexpr std::array whoever_asks{lost_card,      inactive_card, inactive_guest, emergency_stop,
                                    tap_not_active, no_keg,        serving_limit};
  return std::find(whoever_asks.begin(), whoever_asks.end(), denial.reason) != whoever_asks.end();
}

/// What is known of the card, whichever tap.
json card_json(const model::AuthorizationFacts& facts) {
  json card{{"known", facts.card.has_value()}, {"available_cents", facts.available.minor_units()}};
  if (facts.card) card["status"] = to_text(facts.card->status);
  if (facts.guest) {
    card["guest"] = facts.guest->first_name;
    card["balance_cents"] = facts.guest->balance.minor_units();
  }
  if (facts.heard_at) card["heard_at"] = model::to_iso8601(facts.heard_at->wall);
  return card;
}

struct TapStanding {
  std::string state;
  std::string reason;
};
struct Standings {
  bool server_reachable{false};
  std::map<model::TapId, TapStanding> taps;
};

std::optional<Standings> standings(const ExplainPorts& ports) {
  return ask<Standings>(*ports.control, [](const Controller& controller) {
    Standings all;
    all.server_reachable = controller.server_reachable();
    for (std::size_t i = 0; i < controller.tap_count(); ++i) {
      const TapView view = controller.session(i).view();
      all.taps[controller.session(i).tap()] = {std::string{to_text(view.state)}, view.reason};
    }
    return all;
  });
}

json tap_json(model::TapId tap, const TapStanding& standing) {
  return {{"tap_id", tap.number()}, {"state", standing.state}, {"because", standing.reason}};
}

/// What the card would get at a tap.
json outcome_json(const ExplainPorts& ports, const model::CardUid& card,
                  const model::AuthorizationFacts& facts,
                  const std::optional<model::LitrePrice>& own_price, bool server_reachable) {
  if (is_staff(ports.policy, card, facts)) {
    if (const auto refusal = refusal_of_guest(facts)) return denial_json(*refusal);
    return {{"opens_menu", true}};
  }
  const Decision decision = decide_offline(ports.policy, facts, own_price, ports.now(), ports.boot);
  const auto* denial = std::get_if<Denial>(&decision);
  json outcome = denial != nullptr ? denial_json(*denial) : grant_json(std::get<Grant>(decision));
  const bool asked = ports.authorize == AuthorizeMode::online_first && server_reachable;
  const bool by_server = asked && (denial == nullptr || !stands(*denial));
  outcome["decided_by"] = by_server ? "server" : "cache";
  return outcome;
}

struct Wanted {
  std::optional<model::CardUid> card;
  std::optional<model::TapId> tap;
};

tl::expected<Wanted, std::string> wanted(const ExplainPorts& ports, const ApiRequest& request) {
  Wanted all;
  if (const auto card = request.query.find("card"); card != request.query.end()) {
    const auto uid = model::CardUid::parse(card->second);
    if (!uid) return tl::unexpected{"card: " + uid.error()};
    all.card = *uid;
  }
  if (const auto tap = request.query.find("tap"); tap != request.query.end()) {
    all.tap = tap_named(tap->second);
    if (!all.tap || !ports.taps.contains(*all.tap)) {
      return tl::unexpected{fmt::format("there is no tap {}", tap->second)};
    }
  }
  if (!all.card && !all.tap) return tl::unexpected{std::string{"name a card, a tap, or both"}};
  return all;
}

}  // namespace

ApiResponse explain(const ExplainPorts& ports, const ApiRequest& request) {
  const auto what = wanted(ports, request);
  if (!what) return problem(400, what.error());
  const auto seen = standings(ports);
  if (!seen) return control_is_silent();
  json body{{"taps", json::array()},
            {"ledger_writable", !ports.ledger_writable || ports.ledger_writable()}};
  for (const auto& [tap, own_price] : ports.taps) {
    if (what->tap && *what->tap != tap) continue;
    const auto standing = seen->taps.find(tap);
    json one = tap_json(tap, standing == seen->taps.end() ? TapStanding{} : standing->second);
    if (what->card) {
      const auto facts = ports.storage->run(
          [&](storage::Ledger& ledger) { return ledger.facts(*what->card, tap); });
      if (!facts) return problem(503, facts.error().message);
      one.update(outcome_json(ports, *what->card, *facts, own_price, seen->server_reachable));
      body["card"] = card_json(*facts);
    }
    body["taps"].push_back(std::move(one));
  }
  return json_answer(body);
}

}  // namespace tapd
