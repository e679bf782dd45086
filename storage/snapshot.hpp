// Makes the cache what a snapshot says. One ordered pass over each table finds what differs, and
// only that is written: an idle snapshot writes nothing. Used by the ledger, inside a transaction;
// throws SQLite's exceptions. What was heard in answer to a later question than the snapshot stays.
#pragma once

#include <array>
#include <string>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/hearings.hpp"
#include "storage/ledger.hpp"

namespace tapd::storage {

class SnapshotWriter {
 public:
  SnapshotWriter(SQLite::Database& database, Hearings& hearings);

  void apply(const model::Snapshot& snapshot, const Hearing& heard);

 private:
  struct Table {
    SQLite::Statement read;
    SQLite::Statement put;
    SQLite::Statement remove;
  };
  // Each answers whether it wrote anything.
  bool apply_guests(const model::Snapshot& snapshot, const Hearing& heard);
  bool apply_cards(const model::Snapshot& snapshot, const Hearing& heard);
  bool apply_beverages(const model::Snapshot& snapshot, const Hearing& heard);
  bool apply_kegs(const model::Snapshot& snapshot, const Hearing& heard);
  bool apply_taps(const model::Snapshot& snapshot, const Hearing& heard);
  bool apply_states(const model::Snapshot& snapshot, const Hearing& heard);

  Hearings& hearings_;
  Table guests_;
  Table cards_;
  Table beverages_;
  Table kegs_;
  Table taps_;
  Table states_;
};

}  // namespace tapd::storage
