#include "tests/central/pour_batch.hpp"

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

namespace tapd::central {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct Card {
  std::string status;
  std::optional<std::string> guest_id;
};
struct Guest {
  bool active{false};
  std::int64_t balance_cents{0};
  std::int64_t charged_cents{0};
};
struct Keg {
  std::int64_t volume_ml{0};
  std::int64_t poured_ml{0};
};
using CardAndTap = std::pair<std::string, std::int64_t>;

/// A row that will be booked, and who pays for it from which keg.
struct Booking {
  const PourRow* row{nullptr};
  std::string guest_id;
  std::string keg_id;
  std::int64_t balance_cents_after{0};
  std::vector<std::string> notes;  ///< What staff may want to look at.
};

RowVerdict rejected(const char* outcome, const char* reason) {
  return {.status = "rejected", .outcome = outcome, .reason = reason};
}

/// A list for `IN (SELECT jsonb_array_elements_text($1::jsonb))`.
template<typename Values>
std::string list_of(const Values& values) {
  return json(values).dump();
}

class Batch {
 public:
  Batch(Connection& connection, std::span<const PourRow> rows)
      : connection_{connection}, rows_{rows} {}

  std::optional<std::vector<RowVerdict>> run() {
    Transaction transaction{connection_};
    repeats_ = find_repeats(connection_, rows_);
    lock_cards();
    lock_guests();
    lock_kegs();
    for (const PourRow& row : rows_) verdicts_.push_back(judge(row));
    if (bookings_.empty()) return verdicts_;
    if (!insert_pours()) return std::nullopt;
    release_locks();
    move_balances();
    deplete_kegs();
    write_audit();
    transaction.commit();
    return verdicts_;
  }

 private:
  void lock_cards();
  void lock_guests();
  void lock_kegs();
  RowVerdict judge(const PourRow& row);
  std::optional<RowVerdict> find_guest(const PourRow& row, Booking& booking) const;
  std::optional<RowVerdict> find_keg(const PourRow& row, Booking& booking) const;
  bool insert_pours();
  void release_locks();
  void move_balances();
  void deplete_kegs();
  void write_audit();

  Connection& connection_;
  std::span<const PourRow> rows_;
  Repeats repeats_;
  std::map<std::string, Card> cards_;
  std::map<std::string, Guest> guests_;
  std::map<std::int64_t, std::optional<std::string>> taps_;  ///< With the keg that is on it.
  std::map<std::string, Keg> kegs_;
  std::vector<RowVerdict> verdicts_;
  std::vector<Booking> bookings_;
};

// Locks are taken in the order cards, guests, kegs, each by their ids, everywhere in the server.
void Batch::lock_cards() {
  std::set<std::string> asked;
  for (const PourRow& row : rows_) asked.insert(row.card_uid);
  const Rows found = connection_.run(
      "SELECT card_uid, status, guest_id FROM cards WHERE card_uid IN"
      " (SELECT jsonb_array_elements_text($1::jsonb)) ORDER BY card_uid FOR UPDATE",
      {list_of(asked)});
  for (int i = 0; i < found.count(); ++i) {
    cards_[found.text(i, 0)] = {found.text(i, 1), found.optional_text(i, 2)};
  }
}

void Batch::lock_guests() {
  std::set<std::string> asked;
  for (const PourRow& row : rows_) {
    const auto card = cards_.find(row.card_uid);
    if (row.guest_id) {
      asked.insert(*row.guest_id);
    } else if (card != cards_.end() && card->second.guest_id) {
      asked.insert(*card->second.guest_id);
    }
  }
  const Rows found = connection_.run(
      "SELECT guest_id, is_active, (balance * 100)::bigint FROM guests WHERE guest_id IN"
      " (SELECT jsonb_array_elements_text($1::jsonb)::uuid) ORDER BY guest_id FOR UPDATE",
      {list_of(asked)});
  for (int i = 0; i < found.count(); ++i) {
    guests_[found.text(i, 0)] = {found.boolean(i, 1), found.integer(i, 2)};
  }
}

void Batch::lock_kegs() {
  std::set<std::string> asked;
  for (const PourRow& row : rows_) {
    if (row.keg_id) asked.insert(*row.keg_id);
  }
  const Rows taps = connection_.run("SELECT tap_id, keg_id FROM taps");
  for (int i = 0; i < taps.count(); ++i) {
    const auto keg = taps.optional_text(i, 1);
    taps_[taps.integer(i, 0)] = keg;
    if (keg) asked.insert(*keg);
  }
  const Rows found = connection_.run(
      "SELECT keg_id, current_volume_ml FROM kegs WHERE keg_id IN"
      " (SELECT jsonb_array_elements_text($1::jsonb)::uuid) ORDER BY keg_id FOR UPDATE",
      {list_of(asked)});
  for (int i = 0; i < found.count(); ++i) kegs_[found.text(i, 0)] = {found.integer(i, 1)};
}

/// Who pays: the guest who poured, as the row says, and only when it does not say, the guest who
/// holds the card now. A card may have been handed on since.
std::optional<RowVerdict> Batch::find_guest(const PourRow& row, Booking& booking) const {
  const auto card = cards_.find(row.card_uid);
  if (card == cards_.end()) return rejected("rejected_invalid_card_or_tap", "card is unknown");
  const auto& holder = card->second.guest_id;
  if (!row.guest_id && !holder) {
    return rejected("rejected_inactive_guest_or_card", "card belongs to no guest");
  }
  if (card->second.status != "active") booking.notes.push_back("card_" + card->second.status);
  booking.guest_id = row.guest_id ? *row.guest_id : *holder;
  if (booking.guest_id != holder) booking.notes.emplace_back("card_handed_on");
  const auto guest = guests_.find(booking.guest_id);
  if (guest == guests_.end()) return rejected("rejected_invalid_card_or_tap", "guest is unknown");
  if (!guest->second.active) booking.notes.emplace_back("guest_inactive");
  return std::nullopt;
}

/// The keg that the row names, or else the one that is on the tap now.
std::optional<RowVerdict> Batch::find_keg(const PourRow& row, Booking& booking) const {
  const auto tap = taps_.find(row.tap_id);
  if (tap == taps_.end()) return rejected("rejected_invalid_card_or_tap", "tap is unknown");
  const bool named = row.keg_id && kegs_.contains(*row.keg_id);
  if (row.keg_id && !named) booking.notes.emplace_back("keg_unknown");
  if (!named && !tap->second) return rejected("rejected_tap_or_keg_state", "tap has no keg");
  booking.keg_id = named ? *row.keg_id : *tap->second;
  return std::nullopt;
}

RowVerdict Batch::judge(const PourRow& row) {
  if (const auto repeat = repeats_.find(row.client_tx_id); repeat != repeats_.end()) {
    return repeat_verdict(repeat->second);
  }
  Booking booking{.row = &row, .guest_id = {}, .keg_id = {}, .notes = {}};
  if (auto nobody = find_guest(row, booking)) return *nobody;
  if (auto nothing = find_keg(row, booking)) return *nothing;
  Guest& guest = guests_.at(booking.guest_id);
  Keg& keg = kegs_.at(booking.keg_id);
  const std::int64_t balance = guest.balance_cents - guest.charged_cents;
  if (balance < row.price_cents) booking.notes.emplace_back("overdraft");
  if (keg.volume_ml - keg.poured_ml < row.volume_ml) booking.notes.emplace_back("keg_short");
  guest.charged_cents += row.price_cents;
  keg.poured_ml += row.volume_ml;
  booking.balance_cents_after = balance - row.price_cents;
  bookings_.push_back(std::move(booking));
  return {.status = "accepted", .outcome = "charged"};
}

/// The fields as the columns are named; what the row does not say is not in it.
json record_of(const Booking& booking) {
  const PourRow& row = *booking.row;
  json record{{"client_tx_id", row.client_tx_id}, {"guest_id", booking.guest_id},
              {"card_uid", row.card_uid},         {"tap_id", row.tap_id},
              {"keg_id", booking.keg_id},         {"volume_ml", row.volume_ml},
              {"price_cents", row.price_cents},   {"price_per_ml", row.price_per_ml},
              {"content", content_of(row)},       {"tail_volume_ml", row.tail_volume_ml},
              {"duration_ms", row.duration_ms},   {"authorized_by", row.authorized_by}};
  const auto put = [&record](const char* name, const auto& value) {
    if (value) record[name] = *value;
  };
  put("end_ts", row.end_ts);
  put("short_id", row.short_id);
  put("start_ts", row.start_ts);
  put("stop_reason", row.stop_reason);
  put("pulses", row.pulses);
  put("edges_lost", row.edges_lost);
  return record;
}

/// False when another transaction has booked one of the ids in the meantime.
bool Batch::insert_pours() {
  json records = json::array();
  for (const Booking& booking : bookings_) records.push_back(record_of(booking));
  const Rows inserted = connection_.run(
      "INSERT INTO pours (pour_id, client_tx_id, guest_id, card_uid, tap_id, keg_id, volume_ml,"
      "  amount_charged, price_per_ml_at_pour, poured_at, content_sha256, tail_volume_ml, short_id,"
      "  duration_ms, started_at, authorized_by, stop_reason, pulses, edges_lost)"
      " SELECT gen_random_uuid(), client_tx_id, guest_id, card_uid, tap_id, keg_id, volume_ml,"
      "  price_cents::numeric / 100, price_per_ml, COALESCE(end_ts, now()),"
      "  sha256(convert_to(content, 'UTF8')), tail_volume_ml, short_id, duration_ms, start_ts,"
      "  authorized_by, stop_reason, pulses, edges_lost FROM jsonb_to_recordset($1::jsonb) AS r("
      "  client_tx_id text, guest_id uuid, card_uid text, tap_id integer, keg_id uuid,"
      "  volume_ml integer, price_cents bigint, price_per_ml numeric, end_ts timestamptz,"
      "  content text, tail_volume_ml integer, short_id text, duration_ms integer,"
      "  start_ts timestamptz, authorized_by text, stop_reason text, pulses bigint,"
      "  edges_lost bigint) ON CONFLICT (client_tx_id) DO NOTHING RETURNING 1",
      {records.dump()});
  return inserted.count() == static_cast<int>(bookings_.size());
}

/// One authorization pays for one pour: the first of its card on its tap.
void Batch::release_locks() {
  std::map<CardAndTap, std::size_t> first;
  for (std::size_t i = 0; i < bookings_.size(); ++i) {
    first.emplace(CardAndTap{bookings_[i].row->card_uid, bookings_[i].row->tap_id}, i);
  }
  json asked = json::array();
  for (const auto& [place, index] : first) {
    asked.push_back(
        {{"card", place.first}, {"tap", place.second}, {"id", bookings_[index].row->client_tx_id}});
  }
  const Rows released = connection_.run(
      "UPDATE authorizations SET released_at = now(), released_by = a.id"
      " FROM jsonb_to_recordset($1::jsonb) AS a(card text, tap integer, id text)"
      " WHERE card_uid = a.card AND tap_id = a.tap AND released_at IS NULL RETURNING a.id",
      {asked.dump()});
  std::set<std::string> authorized;
  for (int i = 0; i < released.count(); ++i) authorized.insert(released.text(i, 0));
  for (Booking& booking : bookings_) {
    const PourRow& row = *booking.row;
    if (row.authorized_by != "server" || authorized.contains(row.client_tx_id)) continue;
    booking.notes.emplace_back("no_live_authorization");
  }
}

void Batch::move_balances() {
  json moves = json::array();
  for (const auto& [id, guest] : guests_) {
    if (guest.charged_cents != 0) moves.push_back({{"id", id}, {"cents", guest.charged_cents}});
  }
  if (moves.empty()) return;
  connection_.run(
      "UPDATE guests SET balance = balance - m.cents::numeric / 100, updated_at = now()"
      " FROM jsonb_to_recordset($1::jsonb) AS m(id uuid, cents bigint) WHERE guest_id = m.id",
      {moves.dump()});
}

void Batch::deplete_kegs() {
  json moves = json::array();
  for (const auto& [id, keg] : kegs_) {
    if (keg.poured_ml != 0) moves.push_back({{"id", id}, {"ml", keg.poured_ml}});
  }
  connection_.run(
      "UPDATE kegs SET current_volume_ml = GREATEST(current_volume_ml - m.ml, 0),"
      " status = CASE WHEN current_volume_ml > m.ml THEN 'in_use' ELSE 'empty' END,"
      " tapped_at = COALESCE(tapped_at, now()),"
      " finished_at = CASE WHEN current_volume_ml > m.ml THEN finished_at"
      "   ELSE COALESCE(finished_at, now()) END"
      " FROM jsonb_to_recordset($1::jsonb) AS m(id uuid, ml bigint) WHERE keg_id = m.id",
      {moves.dump()});
}

void Batch::write_audit() {
  json entries = json::array();
  for (const Booking& booking : bookings_) {
    const PourRow& row = *booking.row;
    const ordered_json details{{"client_tx_id", row.client_tx_id},
                               {"tap_id", row.tap_id},
                               {"volume_ml", row.volume_ml},
                               {"charged_cents", row.price_cents},
                               {"balance_cents_after", booking.balance_cents_after},
                               {"authorized_by", row.authorized_by},
                               {"notes", booking.notes}};
    entries.push_back({{"guest", booking.guest_id}, {"details", details.dump()}});
  }
  connection_.run(
      "INSERT INTO audit_logs (log_id, actor_id, action, target_entity, target_id, details)"
      " SELECT gen_random_uuid(), 'sync', 'book_pour', 'guests', guest, details"
      " FROM jsonb_to_recordset($1::jsonb) AS e(guest text, details text)",
      {entries.dump()});
}

}  // namespace

Repeats find_repeats(Connection& connection, std::span<const PourRow> rows) {
  json asked = json::array();
  for (const PourRow& row : rows) {
    asked.push_back({{"id", row.client_tx_id}, {"content", content_of(row)}});
  }
  const Rows known = connection.run(
      "SELECT p.client_tx_id, p.content_sha256 = sha256(convert_to(a.content, 'UTF8'))"
      " FROM jsonb_to_recordset($1::jsonb) AS a(id text, content text)"
      " JOIN pours p ON p.client_tx_id = a.id",
      {asked.dump()});
  Repeats repeats;
  for (int i = 0; i < known.count(); ++i) repeats[known.text(i, 0)] = known.boolean(i, 1);
  return repeats;
}

RowVerdict repeat_verdict(bool same_content) {
  if (same_content) return {.status = "accepted", .outcome = "duplicate_existing"};
  return {.status = "conflict",
          .outcome = "id_reused",
          .reason = "this client_tx_id was booked with other content"};
}

std::optional<std::vector<RowVerdict>> try_to_book(Connection& connection,
                                                   std::span<const PourRow> rows) {
  return Batch{connection, rows}.run();
}

}  // namespace tapd::central
