// What guests were served, for the limits per kind of beverage and time that some laws demand.
// Written beside a pour's open row, in the same commit; the volume is the pour's own. Used by the
// ledger, inside a transaction; throws Refusal, BadRow and SQLite's exceptions.
#pragma once

#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/ledger.hpp"

namespace tapd::storage {

class Servings {
 public:
  explicit Servings(SQLite::Database& database);

  /// Refused for a pour that was not begun.
  void note(const ServingNote& note);
  /// The guest's newest ones that came to something, or still may.
  [[nodiscard]] std::vector<model::Serving> of(const model::GuestId& guest);

 private:
  SQLite::Statement note_;
  SQLite::Statement newest_;
};

}  // namespace tapd::storage
