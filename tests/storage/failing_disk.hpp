// What the disks of the tests have in common: an SQLite VFS under a name of its own, registered as
// long as the disk lives, and the operation that is to fail. faulty_disk.hpp puts it in front of
// the system's VFS, tests/crash/crash_disk.hpp over files in memory. For one thread at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include <sqlite3.h>

namespace tapd::test {

class FailingDisk {
 public:
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;
  FailingDisk(FailingDisk&&) = delete;
  FailingDisk& operator=(FailingDisk&&) = delete;

  /// The name under which SQLite knows this disk.
  [[nodiscard]] const std::string& name() const { return name_; }

  /// Lets operation number `nth` from now (1: the next) fail with an SQLite code, and all after it
  /// when it `persists`. What fails does not reach the medium.
  void fail(std::size_t nth, int code, bool persists) {
    countdown_ = nth;
    code_ = code;
    persists_ = persists;
    failed_ = false;
  }
  void heal() { countdown_ = 0; }
  /// Whether an operation has failed since `fail`.
  [[nodiscard]] bool has_failed() const { return failed_; }
  /// How many operations there were: writes, truncations, syncs, deletions, and what else the disk
  /// counts.
  [[nodiscard]] std::size_t operations() const { return operations_; }

  /// For the VFS: counts an operation; the code with which it is to fail, or SQLITE_OK.
  [[nodiscard]] int operation() {
    ++operations_;
    if (countdown_ == 0) return SQLITE_OK;
    if (countdown_ > 1) {
      --countdown_;
      return SQLITE_OK;
    }
    failed_ = true;
    if (!persists_) countdown_ = 0;
    return code_;
  }

 protected:
  /// A VFS like `system`; the disk puts its own functions into `vfs()` and then offers it.
  FailingDisk(const std::string& kind, const sqlite3_vfs& system, std::size_t file_size)
      : name_{numbered(kind)}, vfs_{system} {
    vfs_.iVersion = 1;
    vfs_.szOsFile = static_cast<int>(file_size);
    vfs_.pNext = nullptr;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
  }
  ~FailingDisk() { sqlite3_vfs_unregister(&vfs_); }

  [[nodiscard]] sqlite3_vfs& vfs() { return vfs_; }
  void offer() { sqlite3_vfs_register(&vfs_, 0); }

 private:
  static std::string numbered(const std::string& kind) {
    static std::atomic<int> count{0};
    return kind + "-" + std::to_string(++count);
  }

  std::string name_;
  sqlite3_vfs vfs_;
  std::size_t operations_{0};
  std::size_t countdown_{0};  ///< Operations until the failing one; 0: none fails.
  int code_{SQLITE_OK};
  bool persists_{false};
  bool failed_{false};
};

/// The disk behind a VFS that SQLite hands over.
template<typename Disk>
Disk& disk_behind(sqlite3_vfs* vfs) {
  return static_cast<Disk&>(*static_cast<FailingDisk*>(vfs->pAppData));
}

}  // namespace tapd::test
