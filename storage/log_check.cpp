#include "storage/log_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>

#include <fmt/format.h>

#include "storage/log_frames.hpp"

namespace tapd::storage {
namespace {

/// The bytes of a file; none when there is no file.
class FileBytes {
 public:
  explicit FileBytes(const std::filesystem::path& file) : in_{file, std::ios::binary} {}

  [[nodiscard]] std::string at(std::int64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    in_.clear();
    in_.seekg(offset);
    in_.read(bytes.data(), static_cast<std::streamsize>(size));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(in_.gcount(), 0)));
    return bytes;
  }

 private:
  std::ifstream in_;
};

/// Commits behind the first frame that does not add up, each counted once: SQLite repeats the last
/// frame of a commit to fill the sector.
int commits_behind(LogFrames& log, LogChecksum before) {
  int commits = 0;
  std::string last;
  do {
    if (log.of_this_generation() && log.follows(before) && log.commits() && log.page() != last) {
      ++commits;
      last = log.page();
    }
    before = log.sum();
  } while (log.next());
  return commits;
}

}  // namespace

std::optional<std::string> fault_of_log(const std::filesystem::path& file) {
  FileBytes bytes{file};
  LogFrames log{[&bytes](std::int64_t offset, std::size_t size) { return bytes.at(offset, size); }};
  if (!log.complete() || !log.next()) return std::nullopt;
  LogChecksum before = log.seed();
  if (!log.header_adds_up()) {
    // A header torn while the log began anew has nothing to do with the old frames behind it.
    if (!log.of_this_generation() && !log.follows(before)) return std::nullopt;
    return fmt::format("the header of its journal {} is damaged", file.string());
  }
  for (std::int64_t frame = 1;; ++frame) {
    if (!log.of_this_generation() || !log.follows(before)) {
      const int commits = commits_behind(log, before);
      if (commits < 2) return std::nullopt;
      return fmt::format("its journal {} is damaged at frame {}, with {} commits behind it",
                         file.string(), frame, commits);
    }
    before = log.sum();
    if (!log.next()) return std::nullopt;
  }
}

}  // namespace tapd::storage
