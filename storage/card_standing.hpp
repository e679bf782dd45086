// Whether a card or a tap is in use by a pour, asked before an authorization is made or a lock at
// the server is released on its behalf; and what a run before left there. Used by the ledger;
// throws SQLite's exceptions and BadRow.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/ledger.hpp"
#include "storage/notes.hpp"

namespace tapd::storage {

class CardStandings {
 public:
  CardStandings(SQLite::Database& database, Notes& notes);

  [[nodiscard]] CardStanding of(const model::CardUid& card, model::TapId tap,
                                model::SinceBoot since, const model::BootId& boot);
  [[nodiscard]] LeftBehind left_behind(std::size_t most);
  /// Keeps these locks for the next run.
  void note(const LeftBehind::Locks& locks);

 private:
  Notes& notes_;
  SQLite::Statement open_;
  SQLite::Statement unsent_;
  SQLite::Statement began_;
  SQLite::Statement sent_;
  SQLite::Statement given_up_;
  SQLite::Statement snapshots_;
};

}  // namespace tapd::storage
