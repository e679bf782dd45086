// A disk that fails when it is told to: an SQLite VFS in front of the system's own, which counts
// what is written and lets the n-th write, truncation, sync or deletion from now fail. Syncs are
// counted and not done, which also makes tests quick that commit thousands of times. It simulates
// failing calls, not a power cut: what was written stays written. For one thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include <sqlite3.h>

namespace tapd::test {

class FaultyDisk {
 public:
  /// Registers the VFS under a name of its own.
  FaultyDisk();
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;
  FaultyDisk(FaultyDisk&&) = delete;
  FaultyDisk& operator=(FaultyDisk&&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }

  /// Lets operation number `nth` from now (1: the next) fail with an SQLite code, and those after
  /// it as well when it `persists`.
  void fail(std::int64_t nth, int code, bool persists);
  void heal() { countdown_ = 0; }
  /// Whether an operation has failed since `fail`.
  [[nodiscard]] bool has_failed() const { return failed_; }

  [[nodiscard]] std::int64_t operations() const { return operations_; }
  [[nodiscard]] std::int64_t bytes_written() const { return bytes_written_; }
  [[nodiscard]] std::int64_t syncs() const { return syncs_; }

  // Called by the VFS: counts the operation; the code with which it is to fail, or SQLITE_OK.
  [[nodiscard]] int operation();
  void written(std::int64_t bytes) { bytes_written_ += bytes; }
  void synced() { ++syncs_; }
  [[nodiscard]] sqlite3_vfs& system() const { return *system_; }

 private:
  std::string name_;
  sqlite3_vfs* system_;
  sqlite3_vfs vfs_;
  std::int64_t countdown_{0};  ///< Operations until the failing one; 0: none fails.
  int code_{SQLITE_OK};
  bool persists_{false};
  bool failed_{false};
  std::int64_t operations_{0};
  std::int64_t bytes_written_{0};
  std::int64_t syncs_{0};
};

}  // namespace tapd::test
