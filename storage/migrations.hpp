// The numbered steps of the schema. Each is applied in one transaction, is never edited once it was
// released, takes nothing away that a pour says, and has a way back. Used when the ledger opens its
// file, and by tests.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <SQLiteCpp/Database.h>

namespace tapd::storage {

/// One step from `version - 1` to `version`.
struct Migration {
  int version;
  std::string up;
  std::string down;
  /// A SELECT of one number; anything but zero refuses the way back, because it would lose rows.
  const char* down_would_lose;
};

/// All released steps, oldest first, numbered from 1 without gaps.
[[nodiscard]] std::span<const Migration> migrations();

/// What this program writes and reads.
[[nodiscard]] int newest_schema();

/// The version of an open database (`user_version`); 0 for an empty one.
[[nodiscard]] int schema_version(SQLite::Database& database);

/// Where the copy of a ledger of that version is kept, before its schema is changed.
[[nodiscard]] std::filesystem::path copy_before_migration(const std::filesystem::path& ledger,
                                                          int version);

/// Brings the database to `target`, up or down, one transaction a step. Throws Refusal when a way
/// back would lose rows, SQLite::Exception when SQLite fails; the steps done before stay done.
void migrate(SQLite::Database& database, int target, std::span<const Migration> steps);

}  // namespace tapd::storage
