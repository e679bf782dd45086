#include "storage/connection.hpp"

#include <array>
#include <string>
#include <system_error>
#include <vector>

#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include "storage/backup.hpp"
#include "storage/database_file.hpp"
#include "storage/errors.hpp"
#include "storage/migrations.hpp"
#include "storage/page_scan.hpp"
#include "storage/start_check.hpp"

namespace tapd::storage {
namespace {

struct Setting {
  const char* name;
  const char* value;      ///< As it is set.
  const char* read_back;  ///< As SQLite spells it.
};

// journal_size_limit cuts the log back after a large snapshot; recursive_triggers lets no REPLACE
// slip past the triggers that guard deletion.
// The log is bounded by ourselves (`bound_the_log`). With secure_delete nothing is left of a table
// that was made anew: an old image of a row could be salvaged in the place of the live one.
constexpr std::array settings{
    Setting{"journal_mode", "WAL", "wal"},   Setting{"synchronous", "FULL", "2"},
    Setting{"foreign_keys", "ON", "1"},      Setting{"recursive_triggers", "ON", "1"},
    Setting{"trusted_schema", "OFF", "0"},   Setting{"cell_size_check", "ON", "1"},
    Setting{"mmap_size", "0", "0"},          Setting{"journal_size_limit", "4194304", "4194304"},
    Setting{"temp_store", "MEMORY", "2"},    Setting{"busy_timeout", "0", "0"},
    Setting{"wal_autocheckpoint", "0", "0"}, Setting{"secure_delete", "ON", "1"},
};

SQLite::Database open(const LedgerOptions& options, MediumBlocks& blocks) {
  if (!options.vfs) prepare_file(options.file);
  put_back(blocks.vfs(), options.file);
  int flags = SQLite::OPEN_READWRITE | SQLite::OPEN_URI | SQLite::OPEN_NOMUTEX;
  if (options.vfs) flags |= SQLite::OPEN_CREATE;
  // psow=0: an SD card does not promise that a torn write leaves the neighbouring bytes alone.
  try {
    return SQLite::Database{sqlite_uri(options.file, "psow=0").c_str(), flags, 0,
                            blocks.name().c_str()};
  } catch (const SQLite::Exception& exception) {
    throw OpenError{kind_of(exception.getErrorCode(), 0),
                    fmt::format("cannot open the ledger {}: {}; check the path and permissions",
                                options.file.string(), exception.what())};
  }
}

// A refused file must not be touched when the connection closes, not even by a checkpoint.
void checkpoint_on_close(SQLite::Database& database, bool wanted) {
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted ? 0 : 1,
                    nullptr);
}

std::string pragma(SQLite::Database& database, const std::string& text) {
  SQLite::Statement statement{database, "PRAGMA " + text};
  return statement.executeStep() ? statement.getColumn(0).getString() : std::string{};
}

}  // namespace

Connection::Connection(const LedgerOptions& options)
    : file_{options.file.string()},
      blocks_{options.vfs, options.medium_blocks},
      guard_{blocks_.vfs(), options.file, options.medium_blocks},
      database_{open(options, blocks_)} {
  checkpoint_on_close(database_, false);
  try {
    claim();
    configure();
    check(options);
    settle();
    keep_before_migration(options);
    bound_the_log(options.medium_blocks);
    bring_up_to_date();
  } catch (const SQLite::Exception& exception) {
    const Error error = to_error(exception, database_, file_);
    throw OpenError{error.kind, "cannot open the ledger " + error.message};
  }
}

// SQLite removes the log of a ledger that is closed, when nothing is left to be moved.
Connection::~Connection() {
  if (guard_.checkpoint(database_.getHandle(), SQLITE_CHECKPOINT_TRUNCATE) == SQLITE_OK) {
    checkpoint_on_close(database_, true);
  }
}

// Takes the file for this process, and makes sure that it is ours before anything is written.
void Connection::claim() {
  if (pragma(database_, "locking_mode = EXCLUSIVE") != "exclusive") {
    throw OpenError{Error::Kind::io, fmt::format("cannot lock the ledger {}", file_)};
  }
  const int application_id = database_.execAndGet("PRAGMA application_id").getInt();
  const bool empty = database_.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  if (sqlite3_db_readonly(database_.getHandle(), "main") != 0) {
    throw OpenError{
        Error::Kind::io,
        fmt::format("cannot open the ledger {}: it is read-only; check mount and permissions",
                    file_)};
  }
  if (application_id == 0 && empty) {
    // Before the journal becomes a WAL: so the mark is in the file itself from the first byte on.
    database_.exec("PRAGMA synchronous = FULL");
    // SQLite would make pages as large as blocks; what reads a damaged file knows one size.
    database_.exec(fmt::format("PRAGMA page_size = {}", ledger_page_size));
    database_.exec(fmt::format("PRAGMA application_id = {}", our_application_id));
  } else if (application_id != our_application_id) {
    throw OpenError{Error::Kind::refused,
                    fmt::format("cannot open the ledger {}: it is a database of another program "
                                "(application id {:#010x}); name another file",
                                file_, static_cast<unsigned>(application_id))};
  }
  if (const int version = schema_version(database_); version > newest_schema()) {
    throw OpenError{Error::Kind::refused,
                    fmt::format("cannot open the ledger {}: its schema version is {}, this "
                                "program knows {}; it was left as it is; install the newer tapd",
                                file_, version, newest_schema())};
  }
}

void Connection::configure() {
  for (const Setting& setting : settings) {
    // Two steps: what SQLite answers to a setting is not for every pragma what then holds.
    pragma(database_, fmt::format("{} = {}", setting.name, setting.value));
    const std::string holds = pragma(database_, setting.name);
    if (holds != setting.read_back) {
      throw OpenError{
          Error::Kind::io,
          fmt::format("cannot open the ledger {}: PRAGMA {} stays \"{}\" and not "
                      "\"{}\"; this SQLite ({}) does not suit",
                      file_, setting.name, holds, setting.read_back, sqlite3_libversion())};
    }
  }
  int powersafe_overwrite = -1;
  sqlite3_file_control(database_.getHandle(), "main", SQLITE_FCNTL_POWERSAFE_OVERWRITE,
                       &powersafe_overwrite);
  // A VFS of a test may not know the question; the system's always does.
  if (powersafe_overwrite > 0) {
    throw OpenError{Error::Kind::io,
                    fmt::format("cannot open the ledger {}: psow=0 was not taken over", file_)};
  }
}

// After a power cut SQLite would append to the log right behind the last commit it found whole, in
// the same sector; a second cut that tears that sector would take an acknowledged commit with it.
// An empty log begins anew at a sector of its own.
void Connection::settle() {
  const int code = guard_.checkpoint(database_.getHandle(), SQLITE_CHECKPOINT_TRUNCATE);
  if (code == SQLITE_OK) return;
  throw OpenError{
      kind_of(code, 0),
      fmt::format("cannot open the ledger {}: its journal cannot be moved into it, with "
                  "the pages beside kept in {}: {}; see that the medium has room and "
                  "is well",
                  file_, guard_of(file_).string(), sqlite3_errstr(code))};
}

// As SQLite's own wal_autocheckpoint does. A commit is durable before: one that cannot be moved
// yet is moved with a later one.
void Connection::bound_the_log(int medium_blocks) {
  constexpr int narrow = 200;  // 800 KB
  constexpr int wide = 400;    // A commit fills whole blocks there, and takes twice as many.
  most_frames_ = medium_blocks > narrow_blocks ? wide : narrow;
  const auto moved = [](void* self, sqlite3* database, const char*, int frames) {
    auto& connection = *static_cast<Connection*>(self);
    if (frames >= connection.most_frames_) {
      static_cast<void>(connection.guard_.checkpoint(database, SQLITE_CHECKPOINT_PASSIVE, frames));
    }
    return SQLITE_OK;
  };
  sqlite3_wal_hook(database_.getHandle(), moved, this);
}

// The way back from a migration is a program that nobody may have at hand; a copy is at hand.
void Connection::keep_before_migration(const LedgerOptions& options) {
  const int version = schema_version(database_);
  if (options.vfs || version < 1 || version >= newest_schema()) return;
  const std::filesystem::path copy = copy_before_migration(file_, version);
  if (options.tell) {
    options.tell(fmt::format("schema {} becomes {}; a copy of the ledger as it was is kept as {}",
                             version, newest_schema(), copy.string()));
  }
  BackupCopy backup{database_, copy};
  constexpr int all_pages = -1;
  if (!backup.step(all_pages)) {
    throw OpenError{
        Error::Kind::io,
        fmt::format("cannot open the ledger {}: no copy could be made before its schema "
                    "is changed; see that {} can be written",
                    file_, copy.string())};
  }
  try {
    sync_to_medium(copy);
  } catch (const std::system_error& error) {
    throw OpenError{Error::Kind::io,
                    fmt::format("cannot open the ledger {}: the copy before its schema is changed "
                                "is not safe: {}",
                                file_, error.what())};
  }
}

// No row broke a rule when it was written: one that the new form refuses is damaged.
void Connection::bring_up_to_date() {
  try {
    migrate(database_, newest_schema(), migrations());
  } catch (const SQLite::Exception& exception) {
    if (exception.getErrorCode() != SQLITE_CONSTRAINT) throw;
    throw OpenError{Error::Kind::corrupt,
                    fmt::format("cannot open the ledger {}: it is damaged: its schema cannot be "
                                "changed ({}); keep it for examination and restore a backup",
                                file_, exception.what())};
  }
}

void Connection::check(const LedgerOptions& options) {
  const std::filesystem::path file = options.vfs ? std::filesystem::path{} : options.file;
  suspected_ = !file.empty() && storage::suspected(file);
  const auto fault = fault_at_start(database_, file);
  if (!fault) return;
  throw OpenError{Error::Kind::corrupt,
                  fmt::format("cannot open the ledger {}: it is damaged ({}); it was left as it "
                              "is; keep it for examination and restore a backup",
                              file_, *fault)};
}

}  // namespace tapd::storage
