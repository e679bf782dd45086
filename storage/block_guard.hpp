// Keeps what a torn write may spoil beside the pages that are written. An SD card rewrites 16 KiB
// and more at once; when the power goes while a checkpoint moves a page from the log to its place,
// the pages beside it in the same block may be spoilt, and the log does not hold those. So before
// each checkpoint they are written to a file of their own, "<ledger>-guard", and put back from
// there when a start finds them changed. (Told the true size of the blocks, SQLite logs each block
// whole, in every commit.) Used by the connection; same thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <sqlite3.h>

namespace tapd::storage {

/// Where the pages are kept for this ledger.
[[nodiscard]] std::filesystem::path guard_of(const std::filesystem::path& ledger);

/// Puts back what a checkpoint that was cut off has spoilt: the pages that were kept, if the log
/// still is the one that was being moved. To be called before SQLite opens the ledger. A ledger
/// that another process holds stays as it is. Answers how many pages it put back; throws OpenError
/// when the medium fails.
int put_back(sqlite3_vfs& vfs, const std::filesystem::path& ledger);

class BlockGuard {
 public:
  /// `block` is how much a torn write may spoil, in bytes. `vfs` outlives the guard.
  BlockGuard(sqlite3_vfs& vfs, std::filesystem::path ledger, int block)
      : vfs_{vfs}, ledger_{std::move(ledger)}, block_{block} {}

  /// Moves the log of `database` into its file, with the pages beside the moved ones kept before.
  /// `frames`: how many the log has, where SQLite told; otherwise they are counted. `mode` is
  /// SQLITE_CHECKPOINT_PASSIVE or _TRUNCATE. Answers SQLite's code; after a failure the log has
  /// everything still.
  [[nodiscard]] int checkpoint(sqlite3* database, int mode, std::optional<int> frames = {});

 private:
  [[nodiscard]] int keep(sqlite3* database, std::optional<int> frames);
  [[nodiscard]] int write(const std::string& kept);

  sqlite3_vfs& vfs_;
  std::filesystem::path ledger_;
  int block_;
  /// What the last checkpoint wrote is on the medium: nothing that was kept for it is needed.
  bool settled_{false};
};

}  // namespace tapd::storage
