#include "storage/backup.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include "storage/chain_walk.hpp"
#include "storage/database_file.hpp"
#include "storage/errors.hpp"
#include "storage/migrations.hpp"
#include "storage/page_scan.hpp"
#include "storage/pour_rows.hpp"

namespace tapd::storage {
namespace {

namespace fs = std::filesystem;

SQLite::Database empty_target(const fs::path& file) {
  fs::remove(file);
  SQLite::Database target{file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  // Nothing of an unfinished copy counts: whoever copies brings it to the medium, part by part.
  target.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  return target;
}

void sync_path(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int why = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) throw std::system_error{why, std::generic_category(), path.string()};
}

void sync_folder_of(const fs::path& file) {
  sync_path(file.has_parent_path() ? file.parent_path() : fs::path{"."}, O_RDONLY | O_DIRECTORY);
}

/// SQLite asks it after so many steps of its machine, some milliseconds apart.
constexpr int steps_between_asks = 1'000;
constexpr std::size_t rows_between_asks = 1'000;

int ask(void* given_up) {
  return (*static_cast<const GivenUp*>(given_up))() ? 1 : 0;
}

std::optional<std::string> fault_of_chain(SQLite::Database& database, const GivenUp& given_up) {
  ChainWalk walk{database};
  ChainPosition from;
  for (;;) {
    const ChainSlice slice = walk.slice(from, rows_between_asks);
    if (slice.broken) {
      return fmt::format("pour {} ({}): {}", slice.broken->chain_no, slice.broken->client_tx_id,
                         slice.broken->what);
    }
    if (slice.at_end) return std::nullopt;
    if (given_up && given_up()) return "its check was given up";
    from = slice.reached;
  }
}

/// A start ends them before it sells, and must read them for that. Throws BadRow.
void read_open_rows(SQLite::Database& database) {
  SQLite::Statement statement{
      database, std::string{select_pours} + "WHERE status <> 'confirmed' AND status = 'open'"};
  Use rows{statement};
  while (rows.next()) static_cast<void>(read_pour(rows));
}

std::optional<std::string> fault_of(SQLite::Database& database, const GivenUp& given_up) {
  const std::string state = database.execAndGet("PRAGMA integrity_check(1)").getString();
  if (state != "ok") return "it is damaged: " + state;
  if (database.execAndGet("PRAGMA application_id").getInt() != our_application_id) {
    return "it is not a ledger of tapd";
  }
  if (const int version = schema_version(database); version < 1 || version > newest_schema()) {
    return fmt::format("its schema version is {}, this program knows {}", version, newest_schema());
  }
  read_open_rows(database);
  return fault_of_chain(database, given_up);
}

/// For the pours that come meanwhile: they matter more than a copy of those before.
constexpr std::uintmax_t kept_free = 1'024 * 1'024;
}  // namespace

BackupCopy::BackupCopy(SQLite::Database& source, const fs::path& file)
    : file_{file}, target_{empty_target(file)}, backup_{target_, source} {}

BackupCopy::~BackupCopy() {
  if (complete_) return;
  std::error_code ignored;
  fs::remove(file_, ignored);
}

bool BackupCopy::step(int pages) {
  complete_ = backup_.executeStep(pages) == SQLITE_DONE;
  if (complete_) return true;
  const auto wanted =
      static_cast<std::uintmax_t>(backup_.getRemainingPageCount()) * ledger_page_size;
  std::error_code unknown;
  const fs::space_info space = fs::space(file_, unknown);
  if (!unknown && space.available < wanted + kept_free) {
    throw Refusal{
        fmt::format("there is no room for a backup in {}: it wants {} KiB more; name "
                    "another medium (storage.backup_file)",
                    file_.parent_path().string(), wanted / 1'024)};
  }
  return false;
}

fs::path unfinished_name(const fs::path& backup) {
  return backup.string() + ".unfinished";
}

std::vector<fs::path> backup_names(const fs::path& backup) {
  return {backup, backup.string() + ".previous"};
}

std::optional<std::string> fault_of_copy(const fs::path& file, const GivenUp& given_up) {
  try {
    if (!fs::is_regular_file(file)) return "there is no such file";
    // Immutable: no journal is looked for and none is left beside it.
    SQLite::Database database{sqlite_uri(file, "immutable=1").c_str(),
                              SQLite::OPEN_READONLY | SQLite::OPEN_URI};
    GivenUp asked = given_up;
    if (asked) sqlite3_progress_handler(database.getHandle(), steps_between_asks, ask, &asked);
    return fault_of(database, given_up);
  } catch (const std::exception& error) {
    return std::string{"it cannot be read: "} + error.what();
  }
}

Result<> keep_copy(const fs::path& copy, const fs::path& backup, const GivenUp& given_up) {
  try {
    if (const auto fault = fault_of_copy(copy, given_up)) {
      fs::remove(copy);
      // Whatever it was called then: a check that was broken off says nothing of the copy.
      if (given_up && given_up()) {
        return tl::unexpected(Error{Error::Kind::refused,
                                    "the check of the backup was given up: tapd was told to "
                                    "stop"});
      }
      return tl::unexpected(Error{Error::Kind::corrupt,
                                  fmt::format("{}: the copy is not good: {}; the older backups are "
                                              "kept; restart tapd to have the ledger checked",
                                              backup.string(), *fault)});
    }
    sync_to_medium(copy);
    if (fs::exists(backup)) fs::rename(backup, backup_names(backup).back());
    rename_durably(copy, backup);
    return {};
  } catch (const std::system_error& error) {
    std::error_code ignored;
    fs::remove(copy, ignored);
    const bool full = error.code() == std::errc::no_space_on_device;
    return tl::unexpected(Error{full ? Error::Kind::full : Error::Kind::io, error.what()});
  }
}

Result<> sync_part(const fs::path& copy) {
  try {
    sync_path(copy, O_RDONLY);
    return {};
  } catch (const std::system_error& error) {
    const bool full = error.code() == std::errc::no_space_on_device;
    return tl::unexpected(Error{full ? Error::Kind::full : Error::Kind::io, error.what()});
  }
}

void sync_to_medium(const fs::path& file) {
  sync_path(file, O_RDONLY);
  sync_folder_of(file);
}

void rename_durably(const fs::path& from, const fs::path& to) {
  fs::rename(from, to);
  sync_folder_of(to);
}

}  // namespace tapd::storage
