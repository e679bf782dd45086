// What keeps the ledger small and safe while nobody pours: forgetting confirmed pours after their
// time, and copies. Used by the ledger, inside a transaction where it writes; throws SQLite's
// exceptions. When it is time for what is decided in the daemon.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/backup.hpp"
#include "storage/ledger.hpp"

namespace tapd::storage {

class Upkeep {
 public:
  explicit Upkeep(SQLite::Database& database);

  // Meanings are those of the ledger's functions of the same names.
  [[nodiscard]] Forgotten forget_confirmed(model::WallTime before, std::int64_t after,
                                           std::size_t most, model::WallTime balances);
  [[nodiscard]] std::string state_of_books();
  [[nodiscard]] bool pour_open();
  void begin_copy(const std::filesystem::path& file);
  [[nodiscard]] bool continue_copy(int pages);
  void drop_copy() { copy_.reset(); }
  /// Declares the gap between the kept row before `chain_no` and the one after it.
  void declare_gap_around(std::int64_t chain_no);

 private:
  /// False when there may be more of them.
  bool forget_heard_alone(model::WallTime before, std::size_t most);
  /// The end of the next pour after this one that is known. `known`: by boots that never knew the
  /// time.
  [[nodiscard]] std::string end_after(std::int64_t chain_no, const std::string& boot,
                                      std::map<std::string, std::string>& known);

  SQLite::Database& database_;
  std::unique_ptr<BackupCopy> copy_;
  SQLite::Statement old_guests_;
  SQLite::Statement old_cards_;
  SQLite::Statement candidates_;
  SQLite::Statement next_dated_;
  SQLite::Statement remove_;
  SQLite::Statement remove_serving_;
  SQLite::Statement before_;
  SQLite::Statement next_;
  SQLite::Statement declare_;
  SQLite::Statement undeclare_;
  SQLite::Statement state_;
  SQLite::Statement open_;
};

/// The `state_of_books` that a backup holds; empty when it cannot be read. Any thread.
[[nodiscard]] std::string books_of_copy(const std::filesystem::path& file);

}  // namespace tapd::storage
