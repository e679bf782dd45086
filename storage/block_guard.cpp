#include "storage/block_guard.hpp"

#include <cstdint>
#include <cstring>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "storage/errors.hpp"
#include "storage/log_frames.hpp"
#include "storage/page_scan.hpp"
#include "storage/sha256.hpp"
#include "storage/vfs_file.hpp"

namespace tapd::storage {
namespace {

using PageNumbers = std::set<std::uint32_t>;

// The file: what it is, the hash of all that follows, the generation of the log, and for each page
// its number and its bytes.
constexpr std::string_view magic = "tapd guard 1\n";
constexpr std::size_t hash_size = 64;
constexpr std::size_t generation_size = 8;
constexpr std::size_t entry_size = sizeof(std::uint32_t) + ledger_page_size;
/// More than any log has pages: a larger file is none of ours.
constexpr std::size_t most_bytes = 256 * 1'024 * 1'024;

std::int64_t place_of(std::uint32_t page) {
  return (static_cast<std::int64_t>(page) - 1) * static_cast<std::int64_t>(ledger_page_size);
}

LogFrames frames_in(sqlite3_file& log) {
  return LogFrames{[&log](std::int64_t offset, std::size_t size) {
    return read_at(log, offset, size).value_or(std::string{});
  }};
}

/// The pages of all commits; nullopt when the log has fewer frames than it should.
std::optional<PageNumbers> pages_of(LogFrames& log, std::optional<int> frames) {
  PageNumbers pages;
  PageNumbers commit;
  LogChecksum before = log.seed();
  for (int frame = 0; !frames || frame < *frames; ++frame) {
    const bool whole = log.next() && log.of_this_generation() && (frames || log.follows(before));
    if (!whole && frames) return std::nullopt;
    if (!whole) break;
    before = log.sum();
    commit.insert(log.page_number());
    if (log.commits()) pages.merge(commit);
  }
  return pages;
}

/// What the kept file says of these pages of `file`; nullopt when they cannot be read.
std::optional<std::string> keepsake(sqlite3_file& file, const PageNumbers& pages,
                                    std::string_view generation) {
  std::string entries;
  std::uint32_t count = 0;
  for (const std::uint32_t page : pages) {
    const auto bytes = read_at(file, place_of(page), ledger_page_size);
    if (!bytes) return std::nullopt;
    if (bytes->size() < ledger_page_size) break;  // Behind the end of the file.
    entries.append(reinterpret_cast<const char*>(&page), sizeof(page)).append(*bytes);
    ++count;
  }
  std::string said{generation};
  said.append(reinterpret_cast<const char*>(&count), sizeof(count)).append(entries);
  return std::string{magic} + sha256(said) + said;
}

/// The pages that share a block with one of `pages` and are none of them.
PageNumbers beside(const PageNumbers& pages, std::uint32_t in_block) {
  PageNumbers others;
  for (const std::uint32_t page : pages) {
    const std::uint32_t first = (page - 1) / in_block * in_block + 1;
    for (std::uint32_t other = first; other < first + in_block; ++other) {
      if (!pages.contains(other)) others.insert(other);
    }
  }
  return others;
}

/// What the kept file tells, when it is whole and was written for this generation of the log.
std::optional<std::string> entries_for(std::string_view generation, const std::string& kept) {
  if (!kept.starts_with(magic)) return std::nullopt;
  const std::string_view hashed = std::string_view{kept}.substr(magic.size());
  std::uint32_t count = 0;
  constexpr std::size_t head = generation_size + sizeof(count);
  if (hashed.size() < hash_size + head) return std::nullopt;
  const std::string_view content = hashed.substr(hash_size);
  // Mostly it is of an earlier log: not worth its hash.
  if (content.substr(0, generation_size) != generation) return std::nullopt;
  std::memcpy(&count, content.data() + generation_size, sizeof(count));
  // Behind what counts may stand the end of a longer one that was written before.
  if ((content.size() - head) / entry_size < count) return std::nullopt;
  const std::string_view said = content.substr(0, head + count * entry_size);
  if (sha256(said) != hashed.substr(0, hash_size)) return std::nullopt;
  return std::string{said.substr(head)};
}

[[noreturn]] void fail(const std::filesystem::path& ledger, int code) {
  throw OpenError{kind_of(code, 0),
                  fmt::format("cannot open the ledger {}: what a power cut spoilt in it could not "
                              "be put back from {}: {}; check the medium",
                              ledger.string(), guard_of(ledger).string(), sqlite3_errstr(code))};
}

bool is_there(sqlite3_vfs& vfs, const std::string& path) {
  int there = 0;
  return vfs.xAccess(&vfs, path.c_str(), SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK && there != 0;
}

std::string generation_of_log(sqlite3_vfs& vfs, const std::string& path) {
  if (!is_there(vfs, path)) return {};
  VfsFile log{vfs, path, SQLITE_OPEN_READONLY | SQLITE_OPEN_WAL};
  if (!log.is_open()) return {};
  const LogFrames frames = frames_in(log.handle());
  return frames.header_adds_up() ? std::string{frames.generation()} : std::string{};
}

std::string content_of(sqlite3_vfs& vfs, const std::string& path) {
  if (!is_there(vfs, path)) return {};
  VfsFile file{vfs, path, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_JOURNAL};
  return file.is_open() ? file.content(most_bytes).value_or(std::string{}) : std::string{};
}

/// Writes the pages that are not as they were kept; answers how many.
int put_back_into(VfsFile& file, const std::filesystem::path& ledger, const std::string& entries) {
  int changed = 0;
  for (std::size_t at = 0; at < entries.size(); at += entry_size) {
    std::uint32_t page = 0;
    std::memcpy(&page, entries.data() + at, sizeof(page));
    const std::string bytes = entries.substr(at + sizeof(page), ledger_page_size);
    if (read_at(file.handle(), place_of(page), ledger_page_size) == bytes) continue;
    if (const int code = file.write(bytes, place_of(page)); code != SQLITE_OK) fail(ledger, code);
    ++changed;
  }
  if (changed == 0) return 0;
  if (const int code = file.sync(); code != SQLITE_OK) fail(ledger, code);
  return changed;
}

}  // namespace

std::filesystem::path guard_of(const std::filesystem::path& ledger) {
  return ledger.string() + "-guard";
}

int put_back(sqlite3_vfs& vfs, const std::filesystem::path& ledger) {
  const std::string generation = generation_of_log(vfs, ledger.string() + "-wal");
  if (generation.empty()) return 0;
  const auto entries = entries_for(generation, content_of(vfs, guard_of(ledger).string()));
  if (!entries || entries->empty()) return 0;
  VfsFile file{vfs, ledger.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB};
  if (!file.is_open()) return 0;
  const sqlite3_io_methods& methods = *file.handle().pMethods;
  if (methods.xLock(&file.handle(), SQLITE_LOCK_SHARED) != SQLITE_OK ||
      methods.xLock(&file.handle(), SQLITE_LOCK_EXCLUSIVE) != SQLITE_OK) {
    methods.xUnlock(&file.handle(), SQLITE_LOCK_NONE);
    return 0;
  }
  const int changed = put_back_into(file, ledger, *entries);
  methods.xUnlock(&file.handle(), SQLITE_LOCK_NONE);
  return changed;
}

int BlockGuard::checkpoint(sqlite3* database, int mode, std::optional<int> frames) {
  if (const int code = keep(database, frames); code != SQLITE_OK) return code;
  settled_ = false;
  const int code = sqlite3_wal_checkpoint_v2(database, "main", mode, nullptr, nullptr);
  settled_ = code == SQLITE_OK;
  return code;
}

int BlockGuard::keep(sqlite3* database, std::optional<int> frames) {
  const auto in_block = static_cast<std::uint32_t>(block_ / static_cast<int>(ledger_page_size));
  sqlite3_file* file = nullptr;
  sqlite3_file* log = nullptr;
  sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file));
  sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
  if (in_block < 2 || log == nullptr || log->pMethods == nullptr) return SQLITE_OK;
  LogFrames reading = frames_in(*log);
  if (!reading.header_adds_up()) return SQLITE_OK;
  const auto moved = pages_of(reading, frames);
  if (!moved) return SQLITE_CORRUPT;
  if (moved->empty()) return SQLITE_OK;
  // The kept file is about to be written over: what it was needed for must be done.
  if (!settled_) {
    if (const int code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL); code != SQLITE_OK) {
      return code;
    }
  }
  const auto kept = keepsake(*file, beside(*moved, in_block), reading.generation());
  return kept ? write(*kept) : SQLITE_IOERR_READ;
}

int BlockGuard::write(const std::string& kept) {
  VfsFile file{vfs_, guard_of(ledger_).string(),
               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_JOURNAL};
  if (!file.is_open()) return file.code();
  if (const int code = file.write(kept, 0); code != SQLITE_OK) return code;
  return file.sync();
}

}  // namespace tapd::storage
