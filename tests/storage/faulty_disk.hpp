// A disk that fails when it is told to: an SQLite VFS in front of the system's own, which counts
// what is written and lets the n-th write, truncation, sync or deletion from now fail, or the n-th
// read. Syncs are counted and not done, which also makes tests quick that commit thousands of
// times; or they take the time of a slow disk's. It simulates failing calls, not a power cut: what
// was written stays written. For one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

#include <sqlite3.h>

#include "tests/storage/failing_disk.hpp"

namespace tapd::test {

class FaultyDisk : public FailingDisk {
 public:
  FaultyDisk();

  [[nodiscard]] std::int64_t bytes_written() const { return bytes_written_; }
  [[nodiscard]] std::int64_t syncs() const { return syncs_; }

  /// Lets read number `nth` from now (1: the next) fail, and no other.
  void fail_read(std::size_t nth) { reads_until_fault_ = nth; }
  /// The read that was to fail did, or none was to.
  [[nodiscard]] bool is_read_fault_over() const { return reads_until_fault_ == 0; }

  /// How long a sync takes from now on.
  void sync_takes(std::chrono::milliseconds time) { sync_time_ = time; }

  // For the VFS.
  bool read_fails() { return reads_until_fault_ > 0 && --reads_until_fault_ == 0; }
  void written(std::int64_t bytes) { bytes_written_ += bytes; }
  void synced() {
    ++syncs_;
    if (sync_time_.count() > 0) std::this_thread::sleep_for(sync_time_);
  }
  [[nodiscard]] sqlite3_vfs& system() const { return *system_; }

 private:
  sqlite3_vfs* system_;
  std::int64_t bytes_written_{0};
  std::int64_t syncs_{0};
  std::size_t reads_until_fault_{0};
  std::chrono::milliseconds sync_time_{0};
};

}  // namespace tapd::test
