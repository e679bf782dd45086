// The queue columns of finished pours: what is due, what was sent, what the server said. Used by
// the ledger, inside a transaction; throws Refusal, BadRow and SQLite's exceptions. It never
// touches what a pour says, and never deletes a row.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/commits.hpp"
#include "storage/ledger.hpp"
#include "storage/marks.hpp"

namespace tapd::storage {

class Queue {
 public:
  /// `boot`: rows set aside in another boot are due at once; empty: all are.
  Queue(SQLite::Database& database, Commits& commits, Marks& marks, const model::BootId& boot);

  // Meanings are those of the ledger's functions of the same names.
  [[nodiscard]] std::vector<model::Pour> due(std::size_t most, const model::Moment& now,
                                             DueRows which);
  [[nodiscard]] std::vector<model::Pour> unconfirmed(std::size_t most, const std::string& after);
  void mark_sent(const std::vector<model::ClientTxId>& rows, const model::Moment& now);
  void apply(const std::vector<Verdict>& verdicts, std::int32_t attempt_cap,
             const model::Moment& now, const model::Moment& retry_at);
  void send_again(const model::ClientTxId& row);
  /// The first call counts every row; later ones cost as much as the queue is long.
  [[nodiscard]] QueueCounts counts();
  /// `rows` confirmed ones were deleted.
  void forgot(std::int64_t rows) { note_confirmed(-rows); }

 private:
  [[nodiscard]] model::PourStatus status_of(const model::ClientTxId& row);
  /// Both answer whether the row became confirmed; confirm: it was `sent`.
  bool apply_one(const Verdict& verdict, std::int32_t attempt_cap, const model::Moment& now,
                 const model::Moment& retry_at);
  bool confirm(const Verdict& verdict, const model::Moment& now);
  void spend_attempt(const Verdict& verdict, std::int32_t attempt_cap,
                     const model::Moment& retry_at);

  void note_confirmed(std::int64_t more);
  [[nodiscard]] std::int64_t count_confirmed(std::int64_t unconfirmed);

  Commits& commits_;
  Marks& marks_;
  std::string boot_;
  std::optional<std::int64_t> known_confirmed_;  // as of the last commit
  bool confirmed_changes_{false};                // since the last commit, or in one undone
  Marker mark_{0};                               // of the answer at hand
  bool settled_{false};                          // a row has it

  SQLite::Statement due_;
  SQLite::Statement unconfirmed_;
  SQLite::Statement status_;
  SQLite::Statement mark_sent_;
  SQLite::Statement confirm_;
  SQLite::Statement fail_;
  SQLite::Statement spend_;
  SQLite::Statement not_judged_;
  SQLite::Statement send_again_;
  SQLite::Statement counts_;
  SQLite::Statement confirmed_;
  SQLite::Statement oldest_;
};

}  // namespace tapd::storage
