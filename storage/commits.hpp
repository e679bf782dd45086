// Transactions that nest: the outermost one commits, the ones inside are savepoints, so that a call
// that fails has changed nothing and its neighbours in the same commit still count. Used by the
// ledger only. Turns SQLite's exceptions into values.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/ledger.hpp"

namespace tapd::storage {

class Commits {
 public:
  Commits(SQLite::Database& database, std::string file);

  /// Runs `work`; Refusal, BadRow, SQLite's exceptions and the model's become errors, others pass
  /// after the roll back.
  [[nodiscard]] Result<> run(const std::function<Result<>()>& work);
  /// Runs `work` once the outermost commit is durable; forgotten when it, or the call that asked,
  /// is rolled back.
  void after_commit(std::function<void()> work) { waiting_.push_back(std::move(work)); }
  /// The error that stands behind the exception being handled; other exceptions are thrown on. A
  /// number that the model refuses to count with was checked when it came in: the file has it so.
  [[nodiscard]] Error current_error() const;
  /// The same of something that was only read: it may have made SQLite give a transaction up.
  [[nodiscard]] Error failed_look();

 private:
  [[nodiscard]] Result<> outermost(const std::function<Result<>()>& work);
  [[nodiscard]] Result<> nested(const std::function<Result<>()>& work);
  [[nodiscard]] Result<> attempt(const std::function<Result<>()>& work) const;
  [[nodiscard]] Result<> execute(SQLite::Statement& statement) const;
  [[nodiscard]] bool inside_transaction() const;
  void roll_back() noexcept;
  void undo_nested(std::size_t waiting_before, const Error& cause) noexcept;

  SQLite::Database& database_;
  std::string file_;
  SQLite::Statement begin_;
  SQLite::Statement commit_;
  SQLite::Statement roll_back_;
  SQLite::Statement savepoint_;
  SQLite::Statement release_;
  SQLite::Statement roll_back_to_;
  int depth_{0};
  std::optional<Error> lost_;  ///< SQLite gave the whole transaction up; nothing more can join it.
  std::vector<std::function<void()>> waiting_;
};

}  // namespace tapd::storage
