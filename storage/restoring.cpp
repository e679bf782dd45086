#include "storage/restoring.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "storage/backup.hpp"
#include "storage/connection.hpp"
#include "storage/errors.hpp"
#include "storage/migrations.hpp"
#include "storage/notes.hpp"
#include "storage/salvage.hpp"

namespace tapd::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::array journals{"-wal", "-journal", "-shm", "-guard"};

fs::path with(const fs::path& file, const std::string& suffix) {
  return file.string() + suffix;
}

fs::path unfinished(const fs::path& ledger) {
  return with(ledger, ".restoring");
}
/// Complete, but not yet in the ledger's place.
fs::path finished(const fs::path& ledger) {
  return with(ledger, ".restored");
}

/// With what stands beside it, which nobody needs: a backup of an older schema is brought up to
/// date while the ledger is built from it, and it is itself the copy of what was before.
void remove_unfinished(const fs::path& ledger) {
  const fs::path file = unfinished(ledger);
  fs::remove(file);
  for (const char* journal : journals) fs::remove(with(file, journal));
  for (int version = 1; version < newest_schema(); ++version) {
    fs::remove(copy_before_migration(file, version));
  }
}

/// The first number under which nothing stands that this damage has too.
fs::path name_aside(const fs::path& ledger) {
  for (int number = 1;; ++number) {
    const fs::path name = with(ledger, fmt::format(".damaged-{}", number));
    bool taken = fs::exists(name);
    for (const char* journal : journals) {
      taken = taken || (fs::exists(with(name, journal)) && fs::exists(with(ledger, journal)));
    }
    if (!taken) return name;
  }
}

/// The name under which the newest damage stands already; none: nothing was set aside yet.
std::optional<fs::path> newest_aside(const fs::path& ledger) {
  std::optional<fs::path> newest;
  for (int number = 1;; ++number) {
    const fs::path name = with(ledger, fmt::format(".damaged-{}", number));
    bool there = fs::exists(name);
    for (const char* journal : journals) there = there || fs::exists(with(name, journal));
    if (!there) return newest;
    newest = name;
  }
}

/// With all that belongs to it.
bool is_gone(const fs::path& ledger) {
  return !fs::exists(ledger) &&
         std::none_of(journals.begin(), journals.end(),
                      [&](const char* journal) { return fs::exists(with(ledger, journal)); });
}

/// Moves the damaged file away and the restored one in. Each step may be the last before a power
/// cut; done again it goes on where it ended. Answers what the damaged one is called now; none:
/// nothing of it was there any more.
std::optional<fs::path> exchange(const fs::path& ledger) {
  const bool gone = is_gone(ledger);
  const fs::path aside = name_aside(ledger);
  for (const char* journal : journals) {
    if (fs::exists(with(ledger, journal))) {
      rename_durably(with(ledger, journal), with(aside, journal));
    }
  }
  if (fs::exists(ledger)) rename_durably(ledger, aside);
  rename_durably(finished(ledger), ledger);
  return gone ? std::nullopt : std::optional{aside};
}

std::optional<fs::path> newest_good_backup(const fs::path& backup, std::vector<std::string>& told) {
  if (backup.empty()) return std::nullopt;
  for (const fs::path& name : backup_names(backup)) {
    if (!fs::exists(name)) continue;
    const auto fault = fault_of_copy(name);
    if (!fault) return name;
    told.push_back(fmt::format("the backup {} cannot be used: {}", name.string(), *fault));
  }
  return std::nullopt;
}

/// What the cache says of balances is older than the damage, and a pour may be missing.
void forget_balances(SQLite::Database& database) {
  database.exec(
      "DELETE FROM guests;"
      "UPDATE server_knowledge SET marker = max(marker, 1), snapshot_revision = 0,"
      " snapshot_asked = NULL,"
      " snapshot_heard_at = NULL, snapshot_heard_mono_ns = NULL, snapshot_heard_boot = NULL,"
      " snapshot_clock_trusted = NULL");
}

std::vector<std::string> in_words(const Salvage& salvaged, const std::vector<std::string>& gaps) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format(
      "recovered from the damaged file: {} finished pours that the backup lacked, each proven by "
      "its hash; {} pours that were running; {} rows of the other books",
      salvaged.finished, salvaged.open, salvaged.others));
  if (!salvaged.parked.empty()) {
    lines.push_back(fmt::format(
        "set aside for staff, because they had parked or booked these pours or the "
        "server had not charged them: receipts {}; compare with the venue server, then `tapctl "
        "queue booked` or `tapctl queue retry`",
        fmt::join(salvaged.parked, ", ")));
  }
  if (!salvaged.unreadable.empty()) {
    lines.push_back(fmt::format("NOT recovered: pours whose rows were spoilt: receipts {}",
                                fmt::join(salvaged.unreadable, ", ")));
  }
  if (!gaps.empty()) {
    lines.push_back(
        fmt::format("NOT recovered: pours missing in the chain {}; compare with the "
                    "venue server",
                    fmt::join(gaps, "; ")));
  }
  lines.emplace_back(
      "pours newer than the last one recovered, if there were any, are not known here: compare "
      "with the venue server; cached balances are forgotten until the server was heard");
  lines.emplace_back(
      "a tap that staff closed, or a meter that they measured, after the last backup may not be "
      "known here: look at each tap with tapctl status and tapctl meter before it sells");
  return lines;
}

std::vector<std::string> build(const RestoreOptions& options, const fs::path& damaged,
                               const std::optional<fs::path>& backup) {
  const fs::path file = unfinished(options.ledger.file);
  remove_unfinished(options.ledger.file);
  if (backup) fs::copy_file(*backup, file);
  LedgerOptions building = options.ledger;
  building.file = file;
  building.tell = {};  // the copy that it would speak of is removed
  std::vector<std::string> lines;
  {
    Connection connection{building};
    SQLite::Database& database = connection.database();
    const Salvage salvaged = salvage(database, damaged);
    const std::vector<std::string> gaps = declare_gaps(database);
    lines = in_words(salvaged, gaps);
    forget_balances(database);
    Notes{database}.audit("tapd", "ledger_restored", backup ? backup->string() : "without a backup",
                          fmt::format("{}", fmt::join(lines, "; ")), options.now);
  }
  // A log that could not be moved into the file holds all that was recovered.
  if (const fs::path log = with(file, "-wal"); fs::exists(log) && fs::file_size(log) > 0) {
    throw OpenError{Error::Kind::io,
                    fmt::format("cannot restore the ledger {}: what was recovered could not be "
                                "moved into {}; the medium is full or failing",
                                options.ledger.file.string(), file.string())};
  }
  if (const auto fault = fault_of_copy(file)) {
    throw OpenError{Error::Kind::corrupt,
                    fmt::format("cannot restore the ledger {}: {}; the medium may be failing",
                                options.ledger.file.string(), *fault)};
  }
  sync_to_medium(file);
  rename_durably(file, finished(options.ledger.file));
  remove_unfinished(options.ledger.file);
  return lines;
}

std::unique_ptr<Ledger> restore(const RestoreOptions& options, const OpenError& damage,
                                std::vector<std::string>& told) {
  const fs::path& file = options.ledger.file;
  const auto backup = newest_good_backup(options.backup, told);
  if (!backup && !options.start_empty_after_loss) {
    throw OpenError{
        Error::Kind::corrupt,
        fmt::format("{}; there is no good backup{}: put one there, or set "
                    "storage.start_empty_after_loss = true to go on with what the damaged file "
                    "still proves; until then no tap sells",
                    damage.what(),
                    options.backup.empty() ? "" : " (" + options.backup.string() + ")")};
  }
  auto lines = build(options, file, backup);
  const auto aside = exchange(file);
  told.push_back(
      fmt::format("the ledger was damaged ({}); {}", damage.what(),
                  aside ? "it is kept as " + aside->string() : "there is nothing of it to keep"));
  told.push_back(backup ? fmt::format("restored from the backup {}", backup->string())
                        : "there is no good backup: started with an empty ledger");
  told.insert(told.end(), lines.begin(), lines.end());
  return std::make_unique<Ledger>(options.ledger);
}

/// A ledger that has vanished while its backup is there is a damage, not a first start.
void refuse_lost(const RestoreOptions& options) {
  const fs::path& file = options.ledger.file;
  const bool there = fs::exists(file) && (!fs::is_regular_file(file) || fs::file_size(file) > 0);
  if (there || options.backup.empty()) return;
  for (const fs::path& name : backup_names(options.backup)) {
    if (!fs::exists(name)) continue;
    throw OpenError{Error::Kind::corrupt,
                    fmt::format("the ledger {} is missing or empty although it has the backup {}",
                                file.string(), name.string())};
  }
}

}  // namespace

std::unique_ptr<Ledger> open_or_restore(const RestoreOptions& options,
                                        std::vector<std::string>& told) {
  try {
    if (fs::exists(finished(options.ledger.file))) {
      // What was set aside before the cut is not found in its place any more.
      auto aside = exchange(options.ledger.file);
      if (!aside) aside = newest_aside(options.ledger.file);
      told.push_back(fmt::format(
          "a restoring that was cut off is completed; {}see the audit log "
          "for what was recovered",
          aside ? "the damaged ledger is kept as " + aside->string() + "; " : std::string{}));
    }
    try {
      refuse_lost(options);
      return std::make_unique<Ledger>(options.ledger);
    } catch (const OpenError& damage) {
      if (damage.kind() != Error::Kind::corrupt) throw;
      return restore(options, damage, told);
    }
  } catch (const std::system_error& error) {
    throw OpenError{Error::Kind::io, fmt::format("cannot restore the ledger {}: {}",
                                                 options.ledger.file.string(), error.what())};
  } catch (const std::exception&) {
    throw_as_open_error(fmt::format("cannot restore the ledger {}", options.ledger.file.string()));
  }
}

}  // namespace tapd::storage
