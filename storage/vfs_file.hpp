// A file of an SQLite VFS for as long as its scope, beside the ones that SQLite opens itself: what
// is done to it meets the same medium, in production and under the tests' disks. Answers with
// SQLite's result codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sqlite3.h>

namespace tapd::storage {

/// Up to `size` bytes from `offset` on: fewer at the end of the file, nullopt when reading failed.
[[nodiscard]] std::optional<std::string> read_at(sqlite3_file& file, std::int64_t offset,
                                                 std::size_t size);

class VfsFile {
 public:
  /// `flags` are those of xOpen. A file that cannot be opened has only its `code`.
  VfsFile(sqlite3_vfs& vfs, const std::string& path, int flags);
  ~VfsFile();
  VfsFile(const VfsFile&) = delete;
  VfsFile& operator=(const VfsFile&) = delete;
  VfsFile(VfsFile&&) = delete;
  VfsFile& operator=(VfsFile&&) = delete;

  [[nodiscard]] int code() const { return code_; }
  [[nodiscard]] bool is_open() const { return code_ == SQLITE_OK; }
  /// The file itself; only when it is open.
  [[nodiscard]] sqlite3_file& handle() { return *file_; }

  /// Every byte; nullopt when reading failed, or for more than `most` bytes.
  [[nodiscard]] std::optional<std::string> content(std::size_t most);
  [[nodiscard]] int write(const std::string& bytes, std::int64_t offset);
  [[nodiscard]] int sync();

 private:
  std::unique_ptr<std::byte[]> memory_;
  char* name_;  ///< SQLite's copy, laid out as it wants the name of a database.
  sqlite3_file* file_;
  int code_;
};

}  // namespace tapd::storage
