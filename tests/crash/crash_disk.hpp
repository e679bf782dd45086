// A disk in memory under the real storage code: an SQLite VFS that keeps what the process sees and
// a log of everything that was asked of the medium, in order, so that the power can be cut
// afterwards at any operation of the log (medium.hpp). It can also let an operation fail. Answers
// as the system's own VFS does: sectors of 4 KiB, and powersafe overwrite unless the name says
// psow=0. For one thread at a time; each disk is a VFS of its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "tests/storage/failing_disk.hpp"

namespace tapd::crash {

using Bytes = std::vector<unsigned char>;
/// What lies on a medium: names and contents.
using Image = std::map<std::string, Bytes>;

/// The ledger's file on every crash disk.
inline constexpr const char* ledger_name = "/tap.db";

/// One thing that was asked of the medium.
struct Operation {
  enum class Kind : std::uint8_t { create, write, truncate, sync, remove };
  Kind kind{Kind::write};
  std::string file;
  std::size_t offset{0};  ///< Of a write; the new size of a truncation.
  Bytes bytes;
};
using Log = std::vector<Operation>;

/// How the disk differs from the system's.
struct DiskOptions {
  /// Promises powersafe overwrite although psow=0 was asked for: a setting known to be bad.
  bool promises_powersafe{false};
  bool logs{true};  ///< Off: quicker where the power is not cut again.
};

class CrashDisk : public test::FailingDisk {
 public:
  explicit CrashDisk(Image start = {}, DiskOptions options = {});

  [[nodiscard]] const Log& log() const { return log_; }
  [[nodiscard]] Log take_log() { return std::move(log_); }

  /// No block can be read from now on, or again; what SQLite has in memory it does not ask for.
  void fail_reads(bool fail) { reads_fail_ = fail; }

  // For the VFS.
  [[nodiscard]] bool reads_fail() const { return reads_fail_; }
  [[nodiscard]] Image& files() { return files_; }
  [[nodiscard]] bool promises_powersafe() const { return options_.promises_powersafe; }
  /// Notes an operation; the code with which it fails, or SQLITE_OK.
  [[nodiscard]] int note(Operation::Kind kind, const std::string& file, std::size_t offset = 0,
                         const void* bytes = nullptr, std::size_t size = 0);
  [[nodiscard]] std::uint64_t random() { return salt_ = salt_ * 6364136223846793005U + 1442695U; }

 private:
  DiskOptions options_;
  Image files_;
  Log log_;
  std::uint64_t salt_{1};
  bool reads_fail_{false};
};

}  // namespace tapd::crash
