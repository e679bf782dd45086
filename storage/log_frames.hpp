// A write-ahead log, frame by frame, as https://www.sqlite.org/fileformat2.html#walformat has it.
// Used by what looks at a log beside SQLite. Reads only; bytes that cannot be read end the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tapd::storage {

/// What adds up over the frames of a log.
struct LogChecksum {
  std::uint32_t first{0};
  std::uint32_t second{0};
  bool operator==(const LogChecksum&) const = default;
};

class LogFrames {
 public:
  /// Up to so many bytes from an offset on.
  using Read = std::function<std::string(std::int64_t offset, std::size_t size)>;

  explicit LogFrames(Read read);

  /// There is a whole header.
  [[nodiscard]] bool complete() const;
  [[nodiscard]] bool header_adds_up() const;
  /// The checksum from which the first frame goes on.
  [[nodiscard]] LogChecksum seed() const;
  /// Tells one beginning of the log from the others (its two salts, 8 bytes).
  [[nodiscard]] std::string_view generation() const;

  /// Goes to the next frame; false behind the last whole one.
  [[nodiscard]] bool next();
  [[nodiscard]] bool of_this_generation() const;
  [[nodiscard]] bool follows(LogChecksum before) const;
  [[nodiscard]] LogChecksum sum() const;
  /// The frame is the last of a commit.
  [[nodiscard]] bool commits() const;
  [[nodiscard]] std::uint32_t page_number() const;
  [[nodiscard]] std::string_view page() const;

 private:
  Read read_;
  std::string header_;
  std::string frame_;
  std::int64_t offset_{0};
  bool big_{false};
};

}  // namespace tapd::storage
