#include "tests/central/bts_venue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "tests/central/amounts.hpp"
#include "tests/central/audit.hpp"
#include "tests/central/fields.hpp"
#include "tests/central/pour_booking.hpp"
#include "tests/central/pour_row.hpp"
#include "tests/central/telemetry.hpp"
#include "tests/central/uuid.hpp"

namespace tapd::central {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// What the existing server says when it falls over: no JSON.
Reply crash() {
  return {.status = 500, .body = "Internal Server Error"};
}

bool has_upper_case(const json& object) {
  if (!object.is_object()) return false;
  const auto uid = object.find("card_uid");
  if (uid == object.end() || !uid->is_string()) return false;
  const auto& text = uid->get_ref<const std::string&>();
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isupper(c) != 0; });
}

struct Visit {
  std::string guest_id;
  std::int64_t balance_cents{0};
};

struct Lock {
  std::string guest_id;
  std::int64_t tap_id{0};
};

/// The card's lock, which no time ever lifts.
std::optional<Lock> lock_of(Connection& connection, const std::string& card_uid) {
  const Rows lock = connection.run(
      "SELECT guest_id, tap_id FROM authorizations WHERE card_uid = $1 AND released_at IS NULL",
      {card_uid});
  if (lock.empty()) return std::nullopt;
  return Lock{.guest_id = lock.text(0, 0), .tap_id = lock.integer(0, 1)};
}

/// 0: the tap has no beverage.
std::int64_t litre_price(Connection& connection, std::int64_t tap_id) {
  const Rows price = connection.run(
      "SELECT (b.sell_price_per_liter * 100)::bigint FROM taps t JOIN kegs k USING (keg_id)"
      " JOIN beverages b USING (beverage_id) WHERE t.tap_id = $1",
      {tap_id});
  return price.empty() ? 0 : price.integer(0, 0);
}

Reply grant(Connection& connection, const ServingPolicy& policy, const Visit& visit,
            const std::string& card_uid, std::int64_t tap_id, std::int64_t price_per_ml) {
  const std::int64_t funds = visit.balance_cents + policy.allowed_overdraft_cents;
  const std::int64_t most = funds / price_per_ml - policy.safety_ml;
  if (most < policy.min_start_ml) {
    return refusal(403, "insufficient_funds", "Balance too low", ordered_json::object());
  }
  const Rows lock = connection.run(
      "INSERT INTO authorizations (authorization_id, card_uid, guest_id, tap_id)"
      " VALUES ($1, $2, $3, $4) ON CONFLICT (card_uid) WHERE released_at IS NULL"
      " DO UPDATE SET granted_at = now(), guest_id = $3 RETURNING authorization_id",
      {new_uuid(), card_uid, visit.guest_id, tap_id});
  return json_reply(200, {{"allowed", true},
                          {"visit",
                           {{"visit_id", lock.text(0, 0)},
                            {"guest_id", visit.guest_id},
                            {"status", "active"},
                            {"active_tap_id", tap_id}}},
                          {"guest_first_name", "Guest"},
                          {"min_start_ml", policy.min_start_ml},
                          {"max_volume_ml", most},
                          {"price_per_ml_cents", price_per_ml},
                          {"balance_cents", visit.balance_cents},
                          {"allowed_overdraft_cents", policy.allowed_overdraft_cents},
                          {"safety_ml", policy.safety_ml}});
}

/// A row judged, or the status that the whole request gets.
struct Judged {
  int whole_status{0};
  RowVerdict verdict;
};

RowVerdict noted(Connection& connection, const PourRow& row) {
  audit(connection, {.actor_id = "sync",
                     .action = "note_pour",
                     .target_entity = "cards",
                     .target_id = row.card_uid,
                     .details = json{{"client_tx_id", row.client_tx_id},
                                     {"short_id", row.short_id.value_or("")},
                                     {"volume_ml", row.volume_ml}}
                                    .dump()});
  return {.status = "audit_only", .outcome = "missing_pending", .reason = "no live authorization"};
}

/// Charges the guest of the authorization what the venue's own price makes; what the row says of
/// guest and price is not read.
RowVerdict charge(Connection& connection, PourRow row, const Lock& lock) {
  row.guest_id = lock.guest_id;
  row.cents_per_litre = litre_price(connection, row.tap_id);
  row.price_per_ml =
      fmt::format("{}.{:05}", row.cents_per_litre / 100'000, row.cents_per_litre % 100'000);
  row.price_cents = charge_for(row.volume_ml, row.cents_per_litre);
  const std::int64_t balance =
      connection
          .run("SELECT (balance * 100)::bigint FROM guests WHERE guest_id = $1", {lock.guest_id})
          .integer(0, 0);
  // A tail ran after the valve was told to shut and is owed; without one it is too much.
  if (row.price_cents > balance && row.tail_volume_ml == 0) {
    connection.run(
        "UPDATE authorizations SET released_at = now(), released_by = $2 WHERE card_uid = $1"
        " AND released_at IS NULL",
        {row.card_uid, row.client_tx_id});
    return {.status = "rejected", .outcome = "rejected_insufficient_funds"};
  }
  return book_pour(connection, row);
}

Judged judge(Connection& connection, const PourRow& row) {
  const Rows before =
      connection.run("SELECT 1 FROM pours WHERE client_tx_id = $1", {row.client_tx_id});
  if (!before.empty()) return {0, {.status = "accepted", .outcome = "duplicate_existing"}};
  const Rows recorded =
      connection.run("SELECT 1 FROM authorizations WHERE released_by = $1", {row.client_tx_id});
  if (!recorded.empty()) {
    return {0, {.status = "rejected", .outcome = "duplicate_existing_rejected"}};
  }
  const auto lock = lock_of(connection, row.card_uid);
  if (lock && lock->tap_id != row.tap_id) return {409, {}};
  if (row.volume_ml == 0 && lock) return {0, book_pour(connection, row)};
  if (row.duration_ms == 0 && row.volume_ml != 0) {
    return {0, {.status = "rejected", .outcome = "rejected_invalid_duration"}};
  }
  if (!lock) return {0, noted(connection, row)};
  return {0, charge(connection, row, *lock)};
}

/// 422 names the row and books none.
std::optional<Reply> read_rows(const json& list, std::vector<PourRow>& rows) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (has_upper_case(list[i])) return crash();
    const auto row = read_pour_row(list[i]);
    if (!row) {
      return unprocessable({{.field = fmt::format("pours.{}", i),
                             .message = row.error().reason.value_or("is wrong")}});
    }
    rows.push_back(*row);
  }
  return std::nullopt;
}

}  // namespace

Reply BtsVenue::authorize_pour(const std::string& body) {
  const auto parsed = parse_body(body);
  if (!parsed) return unprocessable({{.field = "", .message = "is no JSON"}});
  if (has_upper_case(*parsed)) return crash();
  Fields fields{*parsed};
  const std::string card_uid = fields.card_uid("card_uid");
  const std::int64_t tap_id = fields.integer("tap_id", tap_numbers);
  if (!fields.good()) return unprocessable(fields.faults());
  const auto connection = pool_.acquire();
  const ordered_json nothing = ordered_json::object();
  const Rows card = connection->run(
      "SELECT c.status, g.guest_id, (g.balance * 100)::bigint FROM cards c JOIN guests g"
      " USING (guest_id) WHERE card_uid = $1",
      {card_uid});
  if (card.empty()) return refusal(409, "no_active_visit", "No active visit", nothing);
  if (card.text(0, 0) == "lost") return refusal(403, "lost_card", "Card is lost", nothing);
  const auto lock = lock_of(*connection, card_uid);
  if (lock && lock->tap_id != tap_id) {
    return refusal(409, "card_in_use_on_other_tap", "Card is in use", {{"tap_id", lock->tap_id}});
  }
  const std::int64_t price = litre_price(*connection, tap_id);
  if (price <= 0) return refusal(409, "tap_not_configured", "Tap has no keg", nothing);
  const Visit visit{.guest_id = card.text(0, 1), .balance_cents = card.integer(0, 2)};
  return grant(*connection, policy_, visit, card_uid, tap_id, cents_per_ml_rounded_up(price));
}

Reply BtsVenue::sync_pours(const std::string& body) {
  const auto parsed = parse_body(body);
  if (!parsed || !parsed->is_object() || !parsed->contains("pours") ||
      !parsed->at("pours").is_array()) {
    return unprocessable({{.field = "pours", .message = "is missing"}});
  }
  std::vector<PourRow> rows;
  if (auto refused = read_rows(parsed->at("pours"), rows)) return *refused;
  const auto connection = pool_.acquire();
  ordered_json results = ordered_json::array();
  for (const PourRow& row : rows) {
    const Judged judged = judge(*connection, row);
    // The rows before are booked, and nobody hears of it.
    if (judged.whole_status != 0) return plain_error(judged.whole_status, "Visit is locked");
    results.push_back({{"client_tx_id", row.client_tx_id},
                       {"status", judged.verdict.status},
                       {"outcome", judged.verdict.outcome},
                       {"reason", judged.verdict.reason.value_or("")}});
  }
  return json_reply(200, {{"results", results}});
}

Reply BtsVenue::register_controller(const std::string& body) {
  const auto connection = pool_.acquire();
  const auto parsed = parse_body(body);
  if (parsed && parsed->is_object()) {
    Fields fields{*parsed};
    const Rows same = connection->run(
        "SELECT 1 FROM controllers WHERE controller_id = $1 AND ip_address = $2"
        " AND firmware_version = $3",
        {fields.text("controller_id", {.shortest = 1, .longest = 50}),
         fields.text("ip_address", {.shortest = 1, .longest = 45}),
         fields.text("firmware_version", {.shortest = 1, .longest = 20})});
    // `last_seen` moves only when something changed.
    if (fields.good() && !same.empty()) return json_reply(200, {{"ok", true}});
  }
  return central::register_controller(*connection, body);
}

Reply BtsVenue::record_flow_event(const std::string& body) {
  return central::record_flow_event(*pool_.acquire(), body);
}

Reply BtsVenue::system_status() {
  return central::system_status(*pool_.acquire());
}

Reply BtsVenue::snapshot(const std::string& /*controller_id*/, const SnapshotAsk& /*ask*/) {
  return plain_error(404, "Not Found");
}

}  // namespace tapd::central
