// Takes the pours of a damaged ledger into a good one as they are found, whatever their number: a
// Pi has little memory. Used while a ledger is salvaged, inside its transaction.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/table_shape.hpp"

namespace tapd::storage {

class PourSalvage {
 public:
  /// Several pours of a tap may stand open until `finish`: the index that forbids it is away.
  explicit PourSalvage(SQLite::Database& good);

  [[nodiscard]] bool fits(const StoredRecord& record) const { return shape_.fits(record); }
  /// One image of a row; of two images of one pour the newer must come first. A finished pour that
  /// the good ledger lacks is written at once, an open one waits for `finish`.
  void take(StoredRecord record);
  /// Writes what was running: the newest of each tap that was not finished afterwards.
  void finish();

  [[nodiscard]] std::int64_t finished() const { return finished_; }
  [[nodiscard]] std::int64_t open() const { return opened_; }
  /// Receipts of the rows that did not prove themselves, and that nothing else made up for.
  [[nodiscard]] std::vector<std::string> unreadable();
  /// Receipts of the rows that staff must look at: they had taken them out of the queue, or the
  /// server had noted or refused them. Nobody sends them by itself.
  [[nodiscard]] const std::vector<std::string>& parked() const { return parked_; }

 private:
  /// Empty: the good ledger lacks it.
  [[nodiscard]] std::string status_of(const std::string& id);
  [[nodiscard]] bool known_finished(const std::string& id);
  void take_open(const std::string& id, NamedRow row);
  void note_newest(std::int64_t tap, std::int64_t seq);
  /// False when its number in the chain belongs to another.
  bool put(const NamedRow& row, bool finished);
  [[nodiscard]] bool has_stood(std::int64_t chain_no) const;
  void stand(const std::string& id, const NamedRow& row);
  void park(const std::string& id, const NamedRow& row);
  void put_open(const std::string& id, const NamedRow& row);

  SQLite::Database& good_;
  TableShape shape_;
  std::string index_;  ///< SQL of the index that is away.
  SQLite::Statement known_;
  SQLite::Statement number_taken_;
  SQLite::Statement begin_;
  SQLite::Statement progress_;
  SQLite::Statement finish_;
  SQLite::Statement send_;
  SQLite::Statement park_;
  SQLite::Statement unpark_;
  SQLite::Statement again_;
  std::map<std::int64_t, std::int64_t> newest_;  ///< pour_seq by tap.
  std::map<std::string, NamedRow> open_;
  std::set<std::string> spoilt_;
  std::vector<bool> stood_;  ///< By number in the chain: its newest image was seen.
  std::vector<std::string> parked_;
  std::int64_t finished_{0};
  std::int64_t opened_{0};
};

}  // namespace tapd::storage
