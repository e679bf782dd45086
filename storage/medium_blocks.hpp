// Tells SQLite how large the blocks are that a torn write may spoil on the medium of its log.
// SQLite believes its VFS, and the system's says 4 KiB whatever the medium is; an SD card rewrites
// 16 KiB and more at once. With the true size no commit touches a block that holds one acknowledged
// before. (The pages of the database itself are guarded once a checkpoint, see block_guard.hpp.)
// Used by the connection; one object for each, and it outlives it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <sqlite3.h>

namespace tapd::storage {

/// The sizes that there are, in bytes.
inline constexpr int narrow_blocks = 4'096;
inline constexpr int wide_blocks = 16'384;

class MediumBlocks {
 public:
  /// Registers an SQLite VFS that is `base` (empty: the system's) but for the blocks of a log.
  /// Throws std::runtime_error when there is no such VFS, or no such size.
  MediumBlocks(const std::optional<std::string>& base, int bytes);
  ~MediumBlocks();
  MediumBlocks(const MediumBlocks&) = delete;
  MediumBlocks& operator=(const MediumBlocks&) = delete;
  MediumBlocks(MediumBlocks&&) = delete;
  MediumBlocks& operator=(MediumBlocks&&) = delete;

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] sqlite3_vfs& vfs();

 private:
  struct Vfs;
  std::unique_ptr<Vfs> vfs_;
};

}  // namespace tapd::storage
