// The ledger's logical clock: one counter that grows with every final verdict and every refusal
// that is heard, so that what the server told can be ordered against what was asked (architecture,
// "What the cached balance is"). Used by the queue and the cache, inside a transaction.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/ledger.hpp"

namespace tapd::storage {

class Marks {
 public:
  explicit Marks(SQLite::Database& database);

  /// Throws BadRow for one that cannot be.
  [[nodiscard]] Marker current();
  /// Counts one on and answers the new value, which is never zero.
  [[nodiscard]] Marker next();

 private:
  SQLite::Statement current_;
  SQLite::Statement next_;
};

}  // namespace tapd::storage
