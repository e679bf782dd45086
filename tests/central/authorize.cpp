#include "tests/central/authorize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <tl/expected.hpp>

#include "tests/central/amounts.hpp"
#include "tests/central/fields.hpp"
#include "tests/central/uuid.hpp"

namespace tapd::central {
namespace {

using nlohmann::ordered_json;

struct Holder {
  std::string card_uid;
  std::string guest_id;
  std::string first_name;
  std::int64_t balance_cents{0};
};

struct TapOnFile {
  std::int64_t tap_id{0};
  std::int64_t keg_volume_ml{0};
  std::int64_t cents_per_litre{0};
  ordered_json beverage;
};

struct Grant {
  std::string visit_id;
  std::string lock_set_at;
};

/// The contract's list of reasons is closed; `cause` says more for people and logs.
Reply refused(int status, const char* reason, const char* message, const char* cause) {
  return refusal(status, reason, message, {{"cause", cause}});
}

std::optional<Reply> check_emergency_stop(Connection& connection) {
  const Rows rows = connection.run(
      "SELECT value = 'true' FROM system_states WHERE key = 'emergency_stop_enabled'");
  if (rows.empty() || !rows.boolean(0, 0)) return std::nullopt;
  return refused(403, "visit_not_authorizable", "The emergency stop is on", "emergency_stop");
}

/// Locks the card, so that two taps cannot get a grant for it at the same moment.
tl::expected<Holder, Reply> check_card(Connection& connection, const std::string& card_uid) {
  const Rows card = connection.run(
      "SELECT status, guest_id FROM cards WHERE card_uid = $1 FOR UPDATE", {card_uid});
  if (card.empty()) {
    return tl::unexpected(refused(409, "no_active_visit", "Card is unknown", "card_unknown"));
  }
  if (card.text(0, 0) == "lost") {
    return tl::unexpected(refused(403, "lost_card", "Card was reported lost", "card_lost"));
  }
  if (card.text(0, 0) != "active") {
    return tl::unexpected(
        refused(403, "visit_not_authorizable", "Card is not active", "card_inactive"));
  }
  if (card.is_null(0, 1)) {
    return tl::unexpected(
        refused(409, "no_active_visit", "Card belongs to no guest", "card_without_guest"));
  }
  const Rows guest = connection.run(
      "SELECT first_name, (balance * 100)::bigint, is_active FROM guests WHERE guest_id = $1",
      {card.text(0, 1)});
  if (!guest.boolean(0, 2)) {
    return tl::unexpected(
        refused(403, "visit_not_authorizable", "Guest is not active", "guest_inactive"));
  }
  return Holder{.card_uid = card_uid,
                .guest_id = card.text(0, 1),
                .first_name = guest.text(0, 0),
                .balance_cents = guest.integer(0, 1)};
}

std::optional<Reply> check_tap_state(const Rows& tap) {
  const auto not_configured = [](const char* message, const char* cause) {
    return refused(409, "tap_not_configured", message, cause);
  };
  if (tap.empty()) return not_configured("Tap is unknown", "tap_unknown");
  const std::string status = tap.text(0, 0);
  if (status != "active") {
    return not_configured("Tap is not active", ("tap_" + status).c_str());
  }
  if (tap.is_null(0, 1)) return not_configured("Tap has no keg", "no_keg");
  if (tap.text(0, 2) == "empty") return not_configured("Keg is empty", "keg_empty");
  return std::nullopt;
}

tl::expected<TapOnFile, Reply> check_tap(Connection& connection, std::int64_t tap_id,
                                         const ServingPolicy& policy) {
  const Rows tap = connection.run(
      "SELECT t.status, t.keg_id, k.status, k.current_volume_ml,"
      "       (b.sell_price_per_liter * 100)::bigint,"
      "       b.beverage_id, b.name, b.brewery, b.style, b.abv, b.sell_price_per_liter"
      "  FROM taps t LEFT JOIN kegs k USING (keg_id) LEFT JOIN beverages b USING (beverage_id)"
      " WHERE tap_id = $1",
      {tap_id});
  if (auto refusal = check_tap_state(tap)) return tl::unexpected(*refusal);
  if (tap.integer(0, 3) < policy.min_start_ml + policy.safety_ml) {
    return tl::unexpected(refused(409, "tap_not_configured", "Keg is empty", "keg_empty"));
  }
  return TapOnFile{.tap_id = tap_id,
                   .keg_volume_ml = tap.integer(0, 3),
                   .cents_per_litre = tap.integer(0, 4),
                   .beverage = {{"beverage_id", tap.text(0, 5)},
                                {"name", tap.text(0, 6)},
                                {"brewery", tap.text(0, 7)},
                                {"style", tap.text(0, 8)},
                                {"abv", tap.text(0, 9)},
                                {"sell_price_per_liter", tap.text(0, 10)}}};
}

std::optional<Reply> check_other_taps(Connection& connection, const Holder& holder,
                                      std::int64_t tap_id, const ServingPolicy& policy) {
  const Rows lock = connection.run(
      "SELECT tap_id FROM authorizations WHERE card_uid = $1 AND released_at IS NULL"
      " AND tap_id <> $2 AND guest_id = $3 AND granted_at > now() - make_interval(secs => $4)",
      {holder.card_uid, tap_id, holder.guest_id, policy.lock_lifetime.count()});
  if (lock.empty()) return std::nullopt;
  return refusal(409, "card_in_use_on_other_tap", "Card is in use on another tap",
                 {{"tap_id", lock.integer(0, 0)}});
}

/// The volume that the funds pay for and the keg holds, with the safety already taken off.
std::int64_t limit_for(const Holder& holder, const TapOnFile& tap, const ServingPolicy& policy) {
  const std::int64_t paid =
      volume_for(holder.balance_cents + policy.allowed_overdraft_cents, tap.cents_per_litre);
  return std::max<std::int64_t>(std::min(paid, tap.keg_volume_ml) - policy.safety_ml, 0);
}

std::optional<Reply> check_funds(const Holder& holder, const TapOnFile& tap,
                                 const ServingPolicy& policy) {
  const std::int64_t start = policy.min_start_ml + policy.safety_ml;
  const std::int64_t funds = holder.balance_cents + policy.allowed_overdraft_cents;
  const std::int64_t required = charge_for(start, tap.cents_per_litre);
  // A free beverage is still not for a guest in debt: the debt is settled first.
  if (funds >= required) return std::nullopt;
  return refusal(403, "insufficient_funds", "Balance does not pay for the smallest pour",
                 {{"balance_cents", holder.balance_cents},
                  {"required_cents", required},
                  {"min_start_ml", policy.min_start_ml}});
}

/// Asking again for the same card and tap refreshes the lock that is there; a lock on another tap
/// that got this far is too old or belongs to a guest who had the card before.
Grant grant(Connection& connection, const Holder& holder, std::int64_t tap_id) {
  connection.run(
      "UPDATE authorizations SET released_at = now(), released_by = 'superseded'"
      " WHERE card_uid = $1 AND released_at IS NULL AND (tap_id <> $2 OR guest_id <> $3)",
      {holder.card_uid, tap_id, holder.guest_id});
  const Rows lock = connection.run(
      "INSERT INTO authorizations (authorization_id, card_uid, guest_id, tap_id)"
      " VALUES ($1, $2, $3, $4)"
      " ON CONFLICT (card_uid) WHERE released_at IS NULL DO UPDATE SET granted_at = now()"
      " RETURNING authorization_id, to_char(granted_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
      {new_uuid(), holder.card_uid, holder.guest_id, tap_id});
  return {.visit_id = lock.text(0, 0), .lock_set_at = lock.text(0, 1)};
}

Reply granted(const Holder& holder, const TapOnFile& tap, const Grant& lock,
              const ServingPolicy& policy) {
  return json_reply(200, {{"allowed", true},
                          {"visit",
                           {{"visit_id", lock.visit_id},
                            {"guest_id", holder.guest_id},
                            {"card_uid", holder.card_uid},
                            {"status", "active"},
                            {"active_tap_id", tap.tap_id}}},
                          {"guest_first_name", holder.first_name},
                          {"min_start_ml", policy.min_start_ml},
                          {"max_volume_ml", limit_for(holder, tap, policy)},
                          {"price_per_ml_cents", cents_per_ml_rounded_up(tap.cents_per_litre)},
                          {"price_per_litre_cents", tap.cents_per_litre},
                          {"balance_cents", holder.balance_cents},
                          {"allowed_overdraft_cents", policy.allowed_overdraft_cents},
                          {"safety_ml", policy.safety_ml},
                          {"lock_set_at", lock.lock_set_at},
                          {"beverage", tap.beverage}});
}

}  // namespace

Reply authorize_pour(Connection& connection, const ServingPolicy& policy, const std::string& body) {
  const auto parsed = parse_body(body);
  if (!parsed) return unprocessable({{.field = "", .message = "is no JSON"}});
  Fields fields{*parsed};
  const std::string card_uid = fields.card_uid("card_uid");
  const std::int64_t tap_id = fields.integer("tap_id", tap_numbers);
  if (!fields.good()) return unprocessable(fields.faults());

  Transaction transaction{connection};
  if (const auto stopped = check_emergency_stop(connection)) return *stopped;
  const auto holder = check_card(connection, card_uid);
  if (!holder) return holder.error();
  if (const auto in_use = check_other_taps(connection, *holder, tap_id, policy)) return *in_use;
  const auto tap = check_tap(connection, tap_id, policy);
  if (!tap) return tap.error();
  if (const auto poor = check_funds(*holder, *tap, policy)) return *poor;
  const Grant lock = grant(connection, *holder, tap_id);
  transaction.commit();
  return granted(*holder, *tap, lock, policy);
}

}  // namespace tapd::central
