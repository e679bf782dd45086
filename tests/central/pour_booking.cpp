#include "tests/central/pour_booking.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "tests/central/amounts.hpp"
#include "tests/central/audit.hpp"
#include "tests/central/fields.hpp"
#include "tests/central/uuid.hpp"

namespace tapd::central {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// How often a row is tried again after a deadlock, or after losing a race for its own id.
constexpr int booking_attempts = 5;

/// Whom and what a row touches, found and locked.
struct Parties {
  std::string guest_id;
  std::string keg_id;
  std::int64_t balance_cents{0};
  std::int64_t keg_volume_ml{0};
  std::vector<std::string> notes;  ///< What staff may want to look at.
};

RowVerdict rejected(const char* outcome, std::string reason) {
  return {.status = "rejected", .outcome = outcome, .reason = std::move(reason)};
}

/// Judges an id that was booked before; nothing when it was not.
std::optional<RowVerdict> judge_repeat(Connection& connection, const PourRow& row) {
  const Rows known = connection.run(
      "SELECT content_sha256 = sha256(convert_to($2, 'UTF8')) FROM pours WHERE client_tx_id = $1",
      {row.client_tx_id, content_of(row)});
  if (known.empty()) return std::nullopt;
  if (known.boolean(0, 0)) return RowVerdict{.status = "accepted", .outcome = "duplicate_existing"};
  return RowVerdict{.status = "conflict",
                    .outcome = "id_reused",
                    .reason = "this client_tx_id was booked with other content"};
}

/// True when a live authorization was released.
bool release_lock(Connection& connection, const PourRow& row) {
  return !connection
              .run(
                  "UPDATE authorizations SET released_at = now(), released_by = $3"
                  " WHERE card_uid = $1 AND tap_id = $2 AND released_at IS NULL RETURNING 1",
                  {row.card_uid, row.tap_id, row.client_tx_id})
              .empty();
}

/// Locks the card and finds who pays: the guest who poured, as the row says, and only when it does
/// not say, the guest who holds the card now. A card may have been handed on since.
std::optional<RowVerdict> find_guest(Connection& connection, const PourRow& row, Parties& found) {
  const Rows card = connection.run(
      "SELECT status, guest_id FROM cards WHERE card_uid = $1 FOR UPDATE", {row.card_uid});
  if (card.empty()) return rejected("rejected_invalid_card_or_tap", "card is unknown");
  if (!row.guest_id && card.is_null(0, 1)) {
    return rejected("rejected_inactive_guest_or_card", "card belongs to no guest");
  }
  if (card.text(0, 0) != "active") found.notes.push_back("card_" + card.text(0, 0));
  found.guest_id = row.guest_id.value_or(card.text(0, 1));
  if (found.guest_id != card.text(0, 1)) found.notes.emplace_back("card_handed_on");
  const Rows guest = connection.run(
      "SELECT is_active, (balance * 100)::bigint FROM guests WHERE guest_id = $1 FOR UPDATE",
      {found.guest_id});
  if (guest.empty()) return rejected("rejected_invalid_card_or_tap", "guest is unknown");
  if (!guest.boolean(0, 0)) found.notes.emplace_back("guest_inactive");
  found.balance_cents = guest.integer(0, 1);
  return std::nullopt;
}

/// Finds and locks the keg that the row names, or else the one that is on the tap now.
std::optional<RowVerdict> find_keg(Connection& connection, const PourRow& row, Parties& found) {
  const Rows tap = connection.run("SELECT keg_id FROM taps WHERE tap_id = $1", {row.tap_id});
  if (tap.empty()) return rejected("rejected_invalid_card_or_tap", "tap is unknown");
  const char* const lock_keg =
      "SELECT keg_id, current_volume_ml FROM kegs WHERE keg_id = $1"
      " FOR UPDATE";
  Rows keg = connection.run(lock_keg, {row.keg_id});
  if (keg.empty()) {
    if (row.keg_id) found.notes.emplace_back("keg_unknown");
    keg = connection.run(lock_keg, {tap.optional_text(0, 0)});
  }
  if (keg.empty()) return rejected("rejected_tap_or_keg_state", "tap has no keg");
  found.keg_id = keg.text(0, 0);
  found.keg_volume_ml = keg.integer(0, 1);
  return std::nullopt;
}

/// False when another transaction has booked the same id in the meantime.
bool insert_pour(Connection& connection, const PourRow& row, const Parties& parties) {
  const Rows inserted = connection.run(
      "INSERT INTO pours (pour_id, client_tx_id, guest_id, card_uid, tap_id, keg_id, volume_ml,"
      "  amount_charged, price_per_ml_at_pour, poured_at, content_sha256, tail_volume_ml, short_id,"
      "  duration_ms, started_at, authorized_by, stop_reason, pulses, edges_lost)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8::bigint::numeric / 100, $9,"
      "  COALESCE($10::timestamptz, now()), sha256(convert_to($11, 'UTF8')), $12, $13, $14, $15,"
      "  $16, $17, $18, $19)"
      " ON CONFLICT (client_tx_id) DO NOTHING RETURNING pour_id",
      {new_uuid(), row.client_tx_id, parties.guest_id, row.card_uid, row.tap_id, parties.keg_id,
       row.volume_ml, row.price_cents, row.price_per_ml, row.end_ts, content_of(row),
       row.tail_volume_ml, row.short_id, row.duration_ms, row.start_ts, row.authorized_by,
       row.stop_reason, row.pulses, row.edges_lost});
  return !inserted.empty();
}

void move_balance_and_keg(Connection& connection, const PourRow& row, const Parties& parties) {
  connection.run(
      "UPDATE guests SET balance = balance - $2::bigint::numeric / 100, updated_at = now()"
      " WHERE guest_id = $1",
      {parties.guest_id, row.price_cents});
  deplete_keg(connection, parties.keg_id, row.volume_ml);
}

void write_audit(Connection& connection, const PourRow& row, const Parties& parties) {
  const ordered_json details{{"client_tx_id", row.client_tx_id},
                             {"tap_id", row.tap_id},
                             {"volume_ml", row.volume_ml},
                             {"charged_cents", row.price_cents},
                             {"balance_cents_after", parties.balance_cents - row.price_cents},
                             {"authorized_by", row.authorized_by},
                             {"notes", parties.notes}};
  audit(connection, {.actor_id = "sync",
                     .action = "book_pour",
                     .target_entity = "guests",
                     .target_id = parties.guest_id,
                     .details = details.dump()});
}

/// One try at one row; nothing when the race for the id was lost and the row must be looked at
/// again. Locks are taken in the order card, guest, keg, everywhere in the server.
std::optional<RowVerdict> try_to_book(Connection& connection, const PourRow& row) {
  Transaction transaction{connection};
  if (auto repeat = judge_repeat(connection, row)) return repeat;
  if (row.volume_ml == 0) {
    release_lock(connection, row);
    transaction.commit();
    return rejected("rejected_zero_volume", "nothing was poured; the lock is released");
  }
  if (auto mismatch = check_price(row)) return mismatch;
  Parties parties;
  if (auto nobody = find_guest(connection, row, parties)) return nobody;
  if (auto nothing = find_keg(connection, row, parties)) return nothing;
  if (!insert_pour(connection, row, parties)) return std::nullopt;
  if (!release_lock(connection, row) && row.authorized_by == "server") {
    parties.notes.emplace_back("no_live_authorization");
  }
  if (parties.balance_cents < row.price_cents) parties.notes.emplace_back("overdraft");
  if (parties.keg_volume_ml < row.volume_ml) parties.notes.emplace_back("keg_short");
  move_balance_and_keg(connection, row, parties);
  write_audit(connection, row, parties);
  transaction.commit();
  return RowVerdict{.status = "accepted", .outcome = "charged"};
}

RowVerdict judge(Connection& connection, const json& object) {
  const auto row = read_pour_row(object);
  return row ? book_pour(connection, *row) : row.error();
}

/// The id as it was sent, so that even a row that is no row can be told apart in the results.
ordered_json id_of(const json& object) {
  if (!object.is_object()) return nullptr;
  const auto id = object.find("client_tx_id");
  return id != object.end() && id->is_string() ? ordered_json(id->get<std::string>()) : nullptr;
}

}  // namespace

RowVerdict book_pour(Connection& connection, const PourRow& row) {
  for (int attempt = 1;; ++attempt) {
    try {
      if (auto verdict = try_to_book(connection, row)) return *verdict;
    } catch (const DatabaseError& error) {
      if (error.is_about_the_values()) return rejected("rejected_malformed", error.what());
      if (!error.may_pass_again() || attempt == booking_attempts) throw;
    }
    if (attempt == booking_attempts) {
      throw DatabaseError("the id " + row.client_tx_id + " is booked and not booked", "", true);
    }
  }
}

Reply sync_pours(Connection& connection, const std::string& body) {
  const auto parsed = parse_body(body);
  if (!parsed) return plain_error(400, "the body is no JSON");
  const auto pours = parsed->is_object() ? parsed->find("pours") : parsed->end();
  if (pours == parsed->end() || !pours->is_array()) {
    return plain_error(400, "the body has no list named pours");
  }
  if (pours->size() > largest_batch) {
    return plain_error(413, fmt::format("{} rows, at most {}", pours->size(), largest_batch));
  }
  ordered_json results = ordered_json::array();
  for (const auto& row : *pours) {
    const RowVerdict verdict = judge(connection, row);
    results.push_back(
        {{"client_tx_id", id_of(row)},
         {"status", verdict.status},
         {"outcome", verdict.outcome},
         {"reason", verdict.reason ? ordered_json(*verdict.reason) : ordered_json(nullptr)}});
  }
  return json_reply(200, {{"results", results}});
}

}  // namespace tapd::central
