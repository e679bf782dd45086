#include "storage/log_check.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string_view>

#include <fmt/format.h>

#include "storage/page_scan.hpp"

namespace tapd::storage {
namespace {

constexpr std::size_t header_size = 32;
constexpr std::size_t frame_header_size = 24;
constexpr std::size_t frame_size = frame_header_size + ledger_page_size;
constexpr std::uint32_t magic = 0x377F0682;  // The low bit: checksums are of big-endian words.

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

struct Checksum {
  std::uint32_t first{0};
  std::uint32_t second{0};
  bool operator==(const Checksum&) const = default;
};

Checksum stored(std::string_view bytes, std::size_t at) {
  return {big_endian(bytes, at), big_endian(bytes, at + 4)};
}

Checksum add(Checksum sum, std::string_view bytes, bool big) {
  const auto word = [&](std::size_t at) {
    const std::uint32_t value = big_endian(bytes, at);
    return big ? value : __builtin_bswap32(value);
  };
  for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    sum.first += word(at) + sum.second;
    sum.second += word(at + 4) + sum.first;
  }
  return sum;
}

class Log {
 public:
  explicit Log(const std::filesystem::path& file) : in_{file, std::ios::binary} {
    header_.resize(header_size);
    in_.read(header_.data(), static_cast<std::streamsize>(header_size));
    complete_ = in_.gcount() == static_cast<std::streamsize>(header_size);
    big_ = complete_ && big_endian(header_, 0) == (magic | 1U);
  }

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool header_adds_up() const {
    return (big_endian(header_, 0) & ~1U) == magic &&
           add({}, std::string_view{header_}.substr(0, 24), big_) == seed();
  }
  [[nodiscard]] Checksum seed() const { return stored(header_, 24); }

  [[nodiscard]] bool next() {
    frame_.resize(frame_size);
    in_.read(frame_.data(), static_cast<std::streamsize>(frame_size));
    return in_.gcount() == static_cast<std::streamsize>(frame_size);
  }
  [[nodiscard]] bool of_this_generation() const {
    return std::string_view{frame_}.substr(8, 8) == std::string_view{header_}.substr(16, 8);
  }
  [[nodiscard]] bool follows(Checksum before) const {
    const std::string_view frame{frame_};
    return add(add(before, frame.substr(0, 8), big_), frame.substr(frame_header_size), big_) ==
           sum();
  }
  [[nodiscard]] Checksum sum() const { return stored(frame_, 16); }
  [[nodiscard]] bool commits() const { return big_endian(frame_, 4) != 0; }
  [[nodiscard]] std::string_view page() const {
    return std::string_view{frame_}.substr(frame_header_size);
  }

 private:
  std::ifstream in_;
  std::string header_;
  std::string frame_;
  bool complete_{false};
  bool big_{false};
};

/// Commits behind the first frame that does not add up, each counted once: SQLite repeats the last
/// frame of a commit to fill the sector.
int commits_behind(Log& log, Checksum before) {
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
  Log log{file};
  if (!log.complete() || !log.next()) return std::nullopt;
  Checksum before = log.seed();
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
