#include "storage/commits.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "storage/errors.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {

Commits::Commits(SQLite::Database& database, std::string file)
    : database_{database},
      file_{std::move(file)},
      begin_{database, "BEGIN IMMEDIATE"},
      commit_{database, "COMMIT"},
      roll_back_{database, "ROLLBACK"},
      savepoint_{database, "SAVEPOINT inner_call"},
      release_{database, "RELEASE inner_call"},
      roll_back_to_{database, "ROLLBACK TO inner_call"} {}

Result<> Commits::run(const std::function<Result<>()>& work) {
  return depth_ == 0 ? outermost(work) : nested(work);
}

Result<> Commits::outermost(const std::function<Result<>()>& work) {
  if (Result<> begun = execute(begin_); !begun) return begun;
  lost_.reset();
  depth_ = 1;
  Result<> result;
  try {
    result = attempt(work);
  } catch (...) {
    roll_back();
    throw;
  }
  if (result && lost_) result = tl::make_unexpected(*lost_);
  if (result) result = execute(commit_);
  if (!result) {
    roll_back();
    return result;
  }
  depth_ = 0;
  for (const auto& follow_up : std::exchange(waiting_, {})) follow_up();
  return result;
}

// Past the end of its transaction a savepoint would be one of its own, and stay when all the others
// are told that they have failed.
Result<> Commits::nested(const std::function<Result<>()>& work) {
  if (!lost_ && !inside_transaction()) {
    lost_ = Error{Error::Kind::io, file_ + ": SQLite gave the transaction up"};
  }
  if (lost_) return tl::make_unexpected(*lost_);
  if (Result<> begun = execute(savepoint_); !begun) return begun;
  const std::size_t waiting_before = waiting_.size();
  ++depth_;
  Result<> result;
  try {
    result = attempt(work);
  } catch (...) {
    --depth_;
    undo_nested(waiting_before, Error{Error::Kind::refused, "the work was given up"});
    throw;
  }
  --depth_;
  if (result && lost_) result = tl::make_unexpected(*lost_);
  if (result) result = execute(release_);
  if (!result) undo_nested(waiting_before, result.error());
  return result;
}

void Commits::undo_nested(std::size_t waiting_before, const Error& cause) noexcept {
  waiting_.resize(std::min(waiting_before, waiting_.size()));
  // Some errors (disk full, I/O) make SQLite roll the whole transaction back by itself.
  const bool undone =
      inside_transaction() && execute(roll_back_to_).has_value() && execute(release_).has_value();
  if (!undone && !lost_) lost_ = cause;
}

Error Commits::failed_look() {
  Error error = current_error();
  if (depth_ > 0 && !lost_ && !inside_transaction()) lost_ = error;
  return error;
}

Result<> Commits::attempt(const std::function<Result<>()>& work) const {
  try {
    return work();
  } catch (const std::exception&) {
    return tl::make_unexpected(current_error());
  }
}

Error Commits::current_error() const {
  const auto corrupt = [this](const std::exception& error) {
    return Error{Error::Kind::corrupt, fmt::format("{}: {}; keep the file for examination and "
                                                   "restore a backup",
                                                   file_, error.what())};
  };
  try {
    throw;
  } catch (const SQLite::Exception& exception) {
    return to_error(exception, database_, file_);
  } catch (const Refusal& refusal) {
    return Error{Error::Kind::refused, refusal.what()};
  } catch (const BadRow& row) {
    return corrupt(row);
  } catch (const std::domain_error& error) {
    return corrupt(error);
  } catch (const std::overflow_error& error) {
    return corrupt(error);
  }
}

Result<> Commits::execute(SQLite::Statement& statement) const {
  return attempt([&statement]() -> Result<> {
    Use{statement}.run();
    return {};
  });
}

bool Commits::inside_transaction() const {
  return sqlite3_get_autocommit(database_.getHandle()) == 0;
}

void Commits::roll_back() noexcept {
  depth_ = 0;
  waiting_.clear();
  // A failure here leaves SQLite outside a transaction all the same: nothing was committed.
  if (inside_transaction()) static_cast<void>(execute(roll_back_));
}

}  // namespace tapd::storage
