#include "storage/start_check.hpp"

#include <array>
#include <fstream>
#include <system_error>

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

namespace tapd::storage {
namespace {

namespace fs = std::filesystem;

// The tables that do not grow with the years.
constexpr std::array small_tables{
    "meta", "clock_marks", "server_knowledge", "guests",      "cards", "beverages",
    "kegs", "taps",        "system_states",    "calibrations"};

fs::path mark_of(const fs::path& ledger) {
  return ledger.string() + ".suspect";
}

std::optional<std::string> quick_check(SQLite::Database& database, const std::string& of) {
  SQLite::Statement statement{database, fmt::format("PRAGMA quick_check({})", of)};
  const std::string answer =
      statement.executeStep() ? statement.getColumn(0).getString() : "no answer";
  return answer == "ok" ? std::nullopt : std::optional{answer};
}

bool has_table(SQLite::Database& database, const char* name) {
  SQLite::Statement statement{
      database, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1"};
  statement.bind(1, name);
  return statement.executeStep() && statement.getColumn(0).getInt() == 1;
}

}  // namespace

std::optional<std::string> fault_at_start(SQLite::Database& database, const fs::path& file) {
  const std::int64_t pages = database.execAndGet("PRAGMA page_count").getInt64();
  if (pages <= most_pages_read_whole || (!file.empty() && suspected(file))) {
    return quick_check(database, "1");
  }
  for (const char* table : small_tables) {
    if (!has_table(database, table)) continue;  // a schema that is still to be migrated
    if (auto fault = quick_check(database, table)) return fault;
  }
  return std::nullopt;
}

void suspect(const fs::path& ledger) noexcept {
  try {
    std::ofstream{mark_of(ledger)} << "the next start of tapd reads the whole ledger\n";
  } catch (...) {
    return;  // see the header
  }
}

bool suspected(const fs::path& ledger) {
  std::error_code error;
  return fs::exists(mark_of(ledger), error);
}

void clear_suspicion(const fs::path& ledger) noexcept {
  std::error_code error;
  fs::remove(mark_of(ledger), error);
}

}  // namespace tapd::storage
