#include "storage/migrations.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

#include "storage/errors.hpp"
#include "storage/schema_v1.hpp"
#include "storage/schema_v2.hpp"
#include "storage/schema_v3.hpp"

namespace tapd::storage {
namespace {

const Migration& step_to(std::span<const Migration> steps, int version) {
  const auto found = std::find_if(steps.begin(), steps.end(), [version](const Migration& step) {
    return step.version == version;
  });
  if (found == steps.end()) {
    throw std::logic_error{fmt::format("there is no migration to schema version {}", version)};
  }
  return *found;
}

// user_version is what counts; `meta` repeats it for people who look with the sqlite3 shell.
void set_version(SQLite::Database& database, int version) {
  database.exec(fmt::format("PRAGMA user_version = {}", version));
  if (version < 1) return;
  database.exec(
      fmt::format("INSERT INTO meta (key, value) VALUES ('schema_version', '{0}') "
                  "ON CONFLICT (key) DO UPDATE SET value = '{0}'",
                  version));
}

void step_up(SQLite::Database& database, const Migration& step) {
  SQLite::Transaction transaction{database, SQLite::TransactionBehavior::IMMEDIATE};
  database.exec(step.up);
  set_version(database, step.version);
  transaction.commit();
}

void step_down(SQLite::Database& database, const Migration& step) {
  SQLite::Transaction transaction{database, SQLite::TransactionBehavior::IMMEDIATE};
  if (database.execAndGet(step.down_would_lose).getInt64() != 0) {
    throw Refusal{fmt::format("going back from schema version {} would lose rows", step.version)};
  }
  database.exec(step.down);
  set_version(database, step.version - 1);
  transaction.commit();
}

}  // namespace

std::span<const Migration> migrations() {
  static const std::array released{
      Migration{1, schema_v1_up(), schema_v1_down, "SELECT count(*) FROM pours"},
      // What was served counts for a day at most.
      Migration{2, schema_v2_up, schema_v2_down, "SELECT 0"},
      Migration{3, schema_v3_up(), schema_v3_down(), "SELECT 0"},
  };
  return released;
}

int newest_schema() {
  return migrations().back().version;
}

int schema_version(SQLite::Database& database) {
  return database.execAndGet("PRAGMA user_version").getInt();
}

std::filesystem::path copy_before_migration(const std::filesystem::path& ledger, int version) {
  return fmt::format("{}.version-{}", ledger.string(), version);
}

void migrate(SQLite::Database& database, int target, std::span<const Migration> steps) {
  int version = schema_version(database);
  for (; version < target; ++version) step_up(database, step_to(steps, version + 1));
  for (; version > target; --version) step_down(database, step_to(steps, version));
}

}  // namespace tapd::storage
