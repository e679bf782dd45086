// What the newest snapshot says of guests and cards whose rows hold something that was heard by
// itself (an authorization, a refusal). A whole snapshot says it again; changes from one revision
// to the next name only what differs, and the rows that they do not name must become what they were
// told as. Kept in temporary tables of the connection: in memory, rolled back with the transaction,
// gone at a restart, after which only a whole snapshot can be applied. Used by the cache and the
// snapshot, inside a transaction; throws SQLite's exceptions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/ledger.hpp"

namespace tapd::storage {

/// First in the ledger's construction: the others' statements name its tables.
class ToldRows {
 public:
  explicit ToldRows(SQLite::Database& database);

  /// A row is about to be replaced by what was heard by itself.
  void keep(const model::GuestId& guest);
  void keep(const model::CardUid& card);

  /// A snapshot is being applied: what was kept before is of no use any more.
  void forget();
  /// The snapshot says this; null: it lacks the row.
  void tell(const std::string& guest_id, const model::Guest* guest);
  void tell(const std::string& card_uid, const model::Card* card);
  /// Makes guests and cards what was told of them, except those heard in answer to a later question
  /// than `asked`, or `since` it was asked for: they stay kept. Answers whether that changed any
  /// row.
  bool apply(Marker asked, const std::string& heard_at, const model::Snapshot::HeardSince& since);

  /// The revision that the cache and these rows together hold; none: changes have nothing to start
  /// from.
  [[nodiscard]] std::optional<std::int64_t> revision();
  void set_revision(std::int64_t revision);

 private:
  struct Table {
    SQLite::Statement keep;
    SQLite::Statement tell;
    SQLite::Statement remove;
    SQLite::Statement put;
    SQLite::Statement applied;
    SQLite::Statement forget;
  };

  Table guests_;
  Table cards_;
  SQLite::Statement heard_since_;
  SQLite::Statement forget_heard_since_;
  SQLite::Statement revision_;
  SQLite::Statement drop_revision_;
  SQLite::Statement set_revision_;
};

}  // namespace tapd::storage
