// Reads rows out of a damaged SQLite file without trusting its structure: every page that looks
// like a leaf of a table is taken apart by itself, in the file and in its write-ahead log (formats:
// https://www.sqlite.org/fileformat2.html). What comes out may be old, doubled or spoilt: whoever
// takes a row must make it prove itself. Reads only; never fails on bad content.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tapd::storage {

/// NULL, an integer or a text: what the ledger's tables hold.
using StoredValue = std::variant<std::monostate, std::int64_t, std::string>;

struct StoredRecord {
  std::int64_t rowid{0};  ///< 0 for a table without row ids.
  std::vector<StoredValue> values;
};

using TakeRecord = std::function<void(StoredRecord)>;

/// The page size of every ledger.
inline constexpr std::size_t ledger_page_size = 4096;

/// The records of one page; `header` bytes are skipped first (100 on page 1).
void scan_page(std::string_view page, std::size_t header, const TakeRecord& take);

/// Every page of a database file, from its beginning. A file that cannot be read has no pages.
void scan_database(const std::filesystem::path& file, const TakeRecord& take);

/// A log is begun anew at its front: behind its newest frames stand some of earlier generations,
/// older than the database file.
enum class Generation : std::uint8_t { newest, earlier };

/// The page images of a write-ahead log, the newest first, whether or not they were committed.
void scan_log(const std::filesystem::path& file, Generation generation, const TakeRecord& take);

}  // namespace tapd::storage
