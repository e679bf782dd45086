// Copies of the ledger: made page by page beside the running one, and taken for a backup only after
// the copy was checked whole. Two are kept. The copying belongs to the ledger's thread; checking
// and keeping touch the copy alone and may run on any other.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/Database.h>

#include "storage/ledger.hpp"

namespace tapd::storage {

class BackupCopy {
 public:
  /// Begins a copy into `file`, which is replaced. Throws SQLite's exceptions.
  BackupCopy(SQLite::Database& source, const std::filesystem::path& file);
  /// Copies `pages` more; true when the copy is complete. What is committed meanwhile is in it.
  /// Throws Refusal when the rest would not leave a MiB free.
  [[nodiscard]] bool step(int pages);
  /// What is not complete goes: the ledger may need its room.
  ~BackupCopy();
  BackupCopy(const BackupCopy&) = delete;
  BackupCopy& operator=(const BackupCopy&) = delete;
  BackupCopy(BackupCopy&&) = delete;
  BackupCopy& operator=(BackupCopy&&) = delete;

 private:
  std::filesystem::path file_;
  SQLite::Database target_;
  SQLite::Backup backup_;
  bool complete_{false};
};

/// Where a copy under way is written.
[[nodiscard]] std::filesystem::path unfinished_name(const std::filesystem::path& backup);
/// The backups that may be there, the newest first.
[[nodiscard]] std::vector<std::filesystem::path> backup_names(const std::filesystem::path& backup);

/// Asked now and again by what takes minutes with a large ledger: true ends it.
using GivenUp = std::function<bool()>;

/// What is wrong with a copy: its structure, its owner, or its chain of pours; nullopt: nothing.
/// One whose check was given up is not good.
[[nodiscard]] std::optional<std::string> fault_of_copy(const std::filesystem::path& file,
                                                       const GivenUp& given_up = {});

/// Checks the finished copy, and makes it the newest backup durably; the one before is kept, the
/// older one goes. A copy that is not good, or was given up, is removed, and the backups stay as
/// they are.
[[nodiscard]] Result<> keep_copy(const std::filesystem::path& copy,
                                 const std::filesystem::path& backup, const GivenUp& given_up = {});

/// Brings what has been copied so far to the medium. Any thread.
[[nodiscard]] Result<> sync_part(const std::filesystem::path& copy);

/// Syncs a file, then its folder. Throws std::system_error.
void sync_to_medium(const std::filesystem::path& file);
/// Renames, and syncs the folder. Throws std::system_error.
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace tapd::storage
