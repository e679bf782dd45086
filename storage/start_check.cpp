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

/// Why the pours that were running cannot be ended: they are, and it is taken back.
std::optional<Error> fault_of_running(Pours& pours, Commits& commits) {
  bool ended = false;
  const Result<> taken_back = commits.run([&]() -> Result<> {
    static_cast<void>(pours.finish_open());
    ended = true;
    return tl::make_unexpected(Error{Error::Kind::refused, "it was only tried"});
  });
  if (ended) return std::nullopt;
  Error fault = taken_back.error();
  // What a rule of the table refuses now was let in when it was written.
  if (fault.kind == Error::Kind::refused) fault.kind = Error::Kind::corrupt;
  return fault;
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

void refuse_broken_rows(ChainWalk& chain, Pours& pours, Commits& commits, bool suspected,
                        const std::string& file) {
  if (const auto broken = chain.broken_at_start(suspected)) {
    throw OpenError{
        Error::Kind::corrupt,
        fmt::format(
            "cannot open the ledger {}: pour {} ({}): {}; keep the file for examination and "
            "restore a backup",
            file, broken->chain_no, broken->client_tx_id, broken->what)};
  }
  if (const auto fault = fault_of_running(pours, commits)) {
    throw OpenError{
        fault->kind,
        fmt::format("cannot open the ledger: a pour that was running cannot be ended: {}",
                    fault->message)};
  }
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
