// What was sold on the cache's word alone and is not confirmed yet, for the policy's offline
// limits. Used by the ledger; throws SQLite's exceptions. Reads unconfirmed rows only, so it costs
// as much as the queue is long.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/model/records.hpp"

namespace tapd::storage {

class OfflineRisk {
 public:
  explicit OfflineRisk(SQLite::Database& database);

  /// Fills in both sums; the guest's only when the facts name one.
  void add_to(model::AuthorizationFacts& facts);
  /// Fills in the guest's alone.
  void add_guest(model::AuthorizationFacts& facts);
  [[nodiscard]] model::OfflineSpending of_everybody();

 private:
  SQLite::Statement of_guest_;
  SQLite::Statement of_all_;
};

}  // namespace tapd::storage
