// Pours from the opening of the valve to the finished, chained row. Used by the ledger, inside a
// transaction; throws Refusal, BadRow and SQLite's exceptions. What becomes of finished rows is the
// queue's business.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/model/records.hpp"

namespace tapd::storage {

class Pours {
 public:
  explicit Pours(SQLite::Database& database);

  // Meanings are those of the ledger's functions of the same names.
  void begin(const model::PourBegin& begin, const model::BootId& boot);
  void record_progress(const model::PourProgress& progress);
  model::Pour end(const model::PourEnd& end);
  std::vector<model::Pour> finish_open();
  [[nodiscard]] std::vector<model::Pour> newest(std::size_t most, const std::string& before);
  [[nodiscard]] std::vector<model::Volume> recent_tails(model::TapId tap, std::size_t most);

 private:
  void write_progress(const model::PourProgress& progress, bool checkpoint);
  /// Why a row did not take the progress; always throws.
  [[noreturn]] void explain(const model::PourProgress& progress);
  /// Moves an open row that has its last progress to `new`, at the end of the chain.
  void close(const std::string& id, model::StopReason reason);
  [[nodiscard]] model::Pour one(const std::string& id);

  SQLite::Statement insert_;
  SQLite::Statement tap_in_use_;
  SQLite::Statement progress_;
  SQLite::Statement state_;
  SQLite::Statement open_ids_;
  SQLite::Statement chain_end_;
  SQLite::Statement stop_;
  SQLite::Statement content_;
  SQLite::Statement seal_;
  SQLite::Statement one_;
  SQLite::Statement newest_;
  SQLite::Statement tails_;
};

/// Throws Refusal when a number is negative or beyond what the model's bounds allow.
void check_begin(const model::PourBegin& begin, const model::BootId& boot);
void check_progress(const model::PourProgress& progress);

}  // namespace tapd::storage
