// The queue columns of flow events: what is due, what was sent, what the server said. The rows are
// written by Measuring. Used by the ledger, inside a transaction; throws Refusal, BadRow and
// SQLite's exceptions. It never deletes a row.
#pragma once

#include <cstdint>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/ledger.hpp"

namespace tapd::storage {

class FlowQueue {
 public:
  /// `boot`: rows set aside in another boot are due at once; empty: all are.
  FlowQueue(SQLite::Database& database, const model::BootId& boot);

  // Meanings are those of the ledger's functions of the same names.
  [[nodiscard]] std::vector<WaitingFlowEvent> due(std::size_t most, const model::Moment& now);
  void settle(const FlowVerdict& verdict, std::int32_t attempt_cap, const model::Moment& now,
              const model::Moment& retry_at);
  std::size_t stop_open_events(const model::Moment& now);

 private:
  std::string boot_;
  SQLite::Statement due_;
  SQLite::Statement sent_;
  SQLite::Statement confirm_;
  SQLite::Statement spend_;
  SQLite::Statement set_aside_;
  SQLite::Statement stop_open_;
};

}  // namespace tapd::storage
