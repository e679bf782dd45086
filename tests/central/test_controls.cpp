#include "tests/central/test_controls.hpp"

#include <nlohmann/json.hpp>

#include "tests/central/amounts.hpp"
#include "tests/central/audit.hpp"
#include "tests/central/fields.hpp"
#include "tests/central/uuid.hpp"

namespace tapd::central {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

Reply done(const Rows& changed, const char* what) {
  if (changed.empty()) return plain_error(404, std::string{"no such "} + what);
  return json_reply(200, {{"ok", true}});
}

/// Runs `change` on the fields of the body, unless they are wrong.
template<typename Change>
Reply with_fields(const std::string& body, Change change) {
  const auto parsed = parse_body(body);
  if (!parsed) return unprocessable({{.field = "", .message = "is no JSON"}});
  Fields fields{*parsed};
  return change(fields);
}

constexpr Length short_word{.shortest = 1, .longest = 20};

}  // namespace

Reply set_emergency_stop(Connection& connection, const std::string& body) {
  return with_fields(body, [&](Fields& fields) {
    const bool enabled = fields.boolean("enabled");
    if (!fields.good()) return unprocessable(fields.faults());
    return done(connection.run("UPDATE system_states SET value = $1"
                               " WHERE key = 'emergency_stop_enabled' RETURNING 1",
                               {enabled}),
                "state");
  });
}

Reply set_tap(Connection& connection, const std::string& tap_id, const std::string& body) {
  return with_fields(body, [&](Fields& fields) {
    const std::string status = fields.text("status", short_word);
    const auto keg_id = fields.optional_uuid("keg_id");
    if (!fields.good()) return unprocessable(fields.faults());
    return done(connection.run("UPDATE taps SET status = $2,"
                               " keg_id = COALESCE($3::uuid, keg_id) WHERE tap_id = $1 RETURNING 1",
                               {tap_id, status, keg_id}),
                "tap");
  });
}

Reply top_up_guest(Connection& connection, const std::string& guest_id, const std::string& body) {
  return with_fields(body, [&](Fields& fields) {
    const std::int64_t amount =
        fields.integer("amount_cents", {-largest_amount_cents, largest_amount_cents});
    if (!fields.good()) return unprocessable(fields.faults());
    Transaction transaction{connection};
    const Rows guest = connection.run(
        "UPDATE guests SET balance = balance + $2::bigint::numeric / 100, updated_at = now()"
        " WHERE guest_id = $1 RETURNING (balance * 100)::bigint",
        {guest_id, amount});
    if (guest.empty()) return plain_error(404, "no such guest");
    connection.run(
        "INSERT INTO transactions (transaction_id, guest_id, amount, type, payment_method)"
        " VALUES ($1, $2, $3::bigint::numeric / 100, $4, 'cash')",
        {new_uuid(), guest_id, amount, amount < 0 ? "correction" : "top-up"});
    audit(connection, {.actor_id = "test",
                       .action = "top_up",
                       .target_entity = "guests",
                       .target_id = guest_id,
                       .details = json{{"amount_cents", amount}}.dump()});
    transaction.commit();
    return json_reply(200, {{"balance_cents", guest.integer(0, 0)}});
  });
}

Reply set_guest_active(Connection& connection, const std::string& guest_id,
                       const std::string& body) {
  return with_fields(body, [&](Fields& fields) {
    const bool is_active = fields.boolean("is_active");
    if (!fields.good()) return unprocessable(fields.faults());
    return done(connection.run("UPDATE guests SET is_active = $2, updated_at = now()"
                               " WHERE guest_id = $1 RETURNING 1",
                               {guest_id, is_active}),
                "guest");
  });
}

Reply set_card(Connection& connection, const std::string& card_uid, const std::string& body) {
  return with_fields(body, [&](Fields& fields) {
    const std::string status = fields.text("status", short_word);
    const auto guest_id = fields.optional_uuid("guest_id");
    if (!fields.good()) return unprocessable(fields.faults());
    return done(connection.run("UPDATE cards SET status = $2,"
                               " guest_id = COALESCE($3::uuid, guest_id)"
                               " WHERE card_uid = $1 RETURNING 1",
                               {card_uid, status, guest_id}),
                "card");
  });
}

Reply totals(Connection& connection) {
  const Transaction one_moment{connection, Isolation::repeatable_snapshot};
  const Rows sums = connection.run(
      "SELECT count(*), COALESCE(sum(amount_charged) * 100, 0)::bigint,"
      "       COALESCE(sum(volume_ml), 0) FROM pours");
  const Rows guests = connection.run(
      "SELECT g.guest_id, g.first_name, (g.balance * 100)::bigint, count(p.pour_id),"
      "       COALESCE(sum(p.amount_charged) * 100, 0)::bigint, COALESCE(sum(p.volume_ml), 0)"
      "  FROM guests g LEFT JOIN pours p USING (guest_id) GROUP BY g.guest_id ORDER BY g.guest_id");
  const Rows kegs = connection.run(
      "SELECT k.keg_id, k.initial_volume_ml, k.current_volume_ml, COALESCE(sum(p.volume_ml), 0)"
      "  FROM kegs k LEFT JOIN pours p USING (keg_id) GROUP BY k.keg_id ORDER BY k.keg_id");
  ordered_json guest_list = ordered_json::array();
  for (int row = 0; row < guests.count(); ++row) {
    guest_list.push_back({{"guest_id", guests.text(row, 0)},
                          {"first_name", guests.text(row, 1)},
                          {"balance_cents", guests.integer(row, 2)},
                          {"pours", guests.integer(row, 3)},
                          {"charged_cents", guests.integer(row, 4)},
                          {"volume_ml", guests.integer(row, 5)}});
  }
  ordered_json keg_list = ordered_json::array();
  for (int row = 0; row < kegs.count(); ++row) {
    keg_list.push_back({{"keg_id", kegs.text(row, 0)},
                        {"initial_volume_ml", kegs.integer(row, 1)},
                        {"current_volume_ml", kegs.integer(row, 2)},
                        {"poured_ml", kegs.integer(row, 3)}});
  }
  return json_reply(200, {{"pours", sums.integer(0, 0)},
                          {"charged_cents", sums.integer(0, 1)},
                          {"volume_ml", sums.integer(0, 2)},
                          {"guests", guest_list},
                          {"kegs", keg_list}});
}

Reply list_pours(Connection& connection) {
  const Rows rows = connection.run(
      "SELECT client_tx_id, guest_id, card_uid, tap_id, keg_id, volume_ml, tail_volume_ml,"
      "       (amount_charged * 100)::bigint, price_per_ml_at_pour, authorized_by,"
      "       to_char(poured_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
      "  FROM pours ORDER BY created_at, client_tx_id");
  ordered_json list = ordered_json::array();
  for (int row = 0; row < rows.count(); ++row) {
    list.push_back({{"client_tx_id", rows.text(row, 0)},
                    {"guest_id", rows.text(row, 1)},
                    {"card_uid", rows.text(row, 2)},
                    {"tap_id", rows.integer(row, 3)},
                    {"keg_id", rows.text(row, 4)},
                    {"volume_ml", rows.integer(row, 5)},
                    {"tail_volume_ml", rows.integer(row, 6)},
                    {"charged_cents", rows.integer(row, 7)},
                    {"price_per_ml_at_pour", rows.text(row, 8)},
                    {"authorized_by", rows.text(row, 9)},
                    {"poured_at", rows.text(row, 10)}});
  }
  return json_reply(200, {{"pours", list}});
}

Reply list_audit(Connection& connection) {
  const Rows rows = connection.run(
      "SELECT action, target_entity, target_id, details FROM audit_logs ORDER BY timestamp");
  ordered_json list = ordered_json::array();
  for (int row = 0; row < rows.count(); ++row) {
    list.push_back({{"action", rows.text(row, 0)},
                    {"target_entity", rows.text(row, 1)},
                    {"target_id", rows.text(row, 2)},
                    {"details", json::parse(rows.text(row, 3), nullptr, false)}});
  }
  return json_reply(200, {{"audit", list}});
}

}  // namespace tapd::central
