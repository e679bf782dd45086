// Makes the cache what a snapshot says, whole or by its changes. Of a whole one an ordered pass
// over each table finds what differs; of changes only the rows that they name, and those that were
// heard by themselves since (ToldRows), are looked at. Only what differs is written: an idle
// snapshot writes nothing. Used by the ledger, inside a transaction; throws Refusal and SQLite's
// exceptions. What was heard in answer to a later question than the snapshot stays.
#pragma once

#include <array>
#include <string>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/hearings.hpp"
#include "storage/ledger.hpp"
#include "storage/told_rows.hpp"

namespace tapd::storage {

class SnapshotWriter {
 public:
  SnapshotWriter(SQLite::Database& database, Hearings& hearings, ToldRows& told);

  void apply(const model::Snapshot& snapshot, const Hearing& heard);
  /// Refuses changes that do not start from what is here.
  void apply(const model::SnapshotChanges& changes, const Hearing& heard);

 private:
  struct Table {
    SQLite::Statement read;
    SQLite::Statement put;
    SQLite::Statement remove;
  };
  // Each answers how many rows it wrote.
  int put(const model::Beverage& item, const Hearing& heard);
  int put(const model::Keg& keg, const Hearing& heard);
  int put(const model::Tap& tap, const Hearing& heard);
  // Each answers whether it wrote anything.
  bool apply_guests(const model::Snapshot& snapshot, const Hearing& heard);
  bool apply_cards(const model::Snapshot& snapshot, const Hearing& heard);
  bool apply_beverages(const model::Snapshot& snapshot, const Hearing& heard);
  bool apply_kegs(const model::Snapshot& snapshot, const Hearing& heard);
  bool apply_taps(const model::Snapshot& snapshot, const Hearing& heard);
  bool apply_states(const model::Snapshot& snapshot, const Hearing& heard);

  Hearings& hearings_;
  ToldRows& told_;
  Table guests_;
  Table cards_;
  Table beverages_;
  Table kegs_;
  Table taps_;
  Table states_;
};

}  // namespace tapd::storage
