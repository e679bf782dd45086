#include "storage/told_rows.hpp"

#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

// A row without a name, or without a status, is one that the snapshot lacks.
constexpr const char* tables = R"sql(
CREATE TEMP TABLE guests_told (
  guest_id TEXT NOT NULL PRIMARY KEY,
  first_name TEXT,
  is_active INTEGER,
  balance_cents INTEGER
) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE cards_told (
  card_uid TEXT NOT NULL PRIMARY KEY,
  guest_id TEXT,
  status TEXT
) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE heard_since (key TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TEMP TABLE revision_told (revision INTEGER NOT NULL) STRICT;
)sql";

SQLite::Database& with_tables(SQLite::Database& database) {
  database.exec(tables);
  return database;
}

constexpr std::optional<std::int64_t> none;

// SQL for a row that holds nothing younger than what is told in answer to the question ?1.
const std::string guest_is_older =
    "(guests.balance_asked IS NULL OR (guests.balance_asked <= ?1"
    " AND guests.guest_id NOT IN (SELECT key FROM heard_since)))";
const std::string card_heard_alone =
    "max(coalesce(cards.heard_asked, -1), coalesce(cards.refused_marker, -1))";
// A card that is lost is lost, whoever was asked first.
const std::string card_is_older =
    "(" + card_heard_alone + " = -1 OR (" + card_heard_alone +
    " <= ?1 AND (cards.card_uid NOT IN (SELECT key FROM heard_since) OR EXISTS"
    " (SELECT 1 FROM cards_told AS said WHERE said.card_uid = cards.card_uid"
    " AND said.status <> 'active'))))";

}  // namespace

// Of rows that were heard by themselves already, the first hearing kept what was told.
ToldRows::ToldRows(SQLite::Database& database)
    : guests_{{with_tables(database),
               "INSERT OR REPLACE INTO guests_told SELECT ?1, first_name, is_active, balance_cents"
               " FROM (SELECT 1) LEFT JOIN guests ON guest_id = ?1 WHERE balance_asked IS NULL"},
              {database, "INSERT OR REPLACE INTO guests_told VALUES (?1, ?2, ?3, ?4)"},
              {database, "DELETE FROM guests WHERE " + guest_is_older +
                             " AND guest_id IN"
                             " (SELECT guest_id FROM guests_told WHERE first_name IS NULL)"},
              {database,
               "INSERT INTO guests (guest_id, first_name, is_active, balance_cents)"
               " SELECT guest_id, first_name, is_active, balance_cents FROM guests_told AS told"
               " WHERE first_name IS NOT NULL ON CONFLICT (guest_id) DO UPDATE SET"
               " first_name = excluded.first_name, is_active = excluded.is_active,"
               " balance_cents = excluded.balance_cents, balance_asked = NULL,"
               " balance_heard_at = NULL, balance_heard_mono_ns = NULL, balance_heard_boot = NULL,"
               " balance_clock_trusted = NULL"
               " WHERE " +
                   guest_is_older +
                   " AND (balance_asked IS NOT NULL OR"
                   " (first_name, is_active, balance_cents) IS NOT"
                   " (excluded.first_name, excluded.is_active, excluded.balance_cents))"},
              {database,
               "DELETE FROM guests_told WHERE NOT EXISTS (SELECT 1 FROM guests"
               " WHERE guest_id = guests_told.guest_id AND NOT " +
                   guest_is_older + ")"},
              {database, "DELETE FROM guests_told"}},
      cards_{{database,
              "INSERT OR REPLACE INTO cards_told SELECT ?1, guest_id, status"
              " FROM (SELECT 1) LEFT JOIN cards ON card_uid = ?1"
              " WHERE heard_asked IS NULL AND refused_marker IS NULL"},
             {database, "INSERT OR REPLACE INTO cards_told VALUES (?1, ?2, ?3)"},
             {database, "DELETE FROM cards WHERE " + card_is_older +
                            " AND card_uid IN"
                            " (SELECT card_uid FROM cards_told WHERE status IS NULL)"},
             {database,
              "INSERT INTO cards (card_uid, guest_id, status, heard_at)"
              " SELECT card_uid, guest_id, status, ?2 FROM cards_told WHERE status IS NOT NULL"
              " ON CONFLICT (card_uid) DO UPDATE SET guest_id = excluded.guest_id,"
              " status = excluded.status, heard_at = excluded.heard_at, heard_asked = NULL,"
              " refused_marker = NULL"
              " WHERE " +
                  card_is_older +
                  " AND (heard_asked IS NOT NULL OR refused_marker IS NOT NULL"
                  " OR (guest_id, status) IS NOT (excluded.guest_id, excluded.status))"},
             {database,
              "DELETE FROM cards_told WHERE NOT EXISTS (SELECT 1 FROM cards"
              " WHERE card_uid = cards_told.card_uid AND NOT " +
                  card_is_older + ")"},
             {database, "DELETE FROM cards_told"}},
      heard_since_{database, "INSERT OR IGNORE INTO heard_since VALUES (?1)"},
      forget_heard_since_{database, "DELETE FROM heard_since"},
      revision_{database, "SELECT revision FROM revision_told"},
      drop_revision_{database, "DELETE FROM revision_told"},
      set_revision_{database, "INSERT INTO revision_told VALUES (?1)"} {}

void ToldRows::keep(const model::GuestId& guest) {
  Use{guests_.keep, guest.text()}.run();
}

void ToldRows::keep(const model::CardUid& card) {
  Use{cards_.keep, card.text()}.run();
}

void ToldRows::forget() {
  Use{guests_.forget}.run();
  Use{cards_.forget}.run();
}

void ToldRows::tell(const std::string& guest_id, const model::Guest* guest) {
  if (guest == nullptr) {
    Use{guests_.tell, guest_id, none, none, none}.run();
  } else {
    Use{guests_.tell, guest_id, guest->first_name, guest->active, guest->balance.minor_units()}
        .run();
  }
}

void ToldRows::tell(const std::string& card_uid, const model::Card* card) {
  if (card == nullptr) {
    Use{cards_.tell, card_uid, none, none}.run();
  } else {
    Use{cards_.tell, card_uid, text_of(card->guest_id), model::to_text(card->status)}.run();
  }
}

bool ToldRows::apply(Marker asked, const std::string& heard_at,
                     const model::Snapshot::HeardSince& since) {
  // A card's number is no guest's.
  for (const model::GuestId& guest : since.guests) Use{heard_since_, guest.text()}.run();
  for (const model::CardUid& card : since.cards) Use{heard_since_, card.text()}.run();
  int changed = Use{guests_.remove, asked}.run();
  changed += Use{guests_.put, asked}.run();
  Use{guests_.applied, asked}.run();
  changed += Use{cards_.remove, asked}.run();
  changed += Use{cards_.put, asked, heard_at}.run();
  Use{cards_.applied, asked}.run();
  Use{forget_heard_since_}.run();
  return changed > 0;
}

std::optional<std::int64_t> ToldRows::revision() {
  Use row{revision_};
  return row.next() ? std::optional{row.integer()} : std::nullopt;
}

void ToldRows::set_revision(std::int64_t revision) {
  Use{drop_revision_}.run();
  Use{set_revision_, revision}.run();
}

}  // namespace tapd::storage
