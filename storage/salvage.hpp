// Carries what can still be read in a damaged ledger over into a good one. A finished pour is taken
// when its hash proves it, and inserted as it was, to be sent again (the venue server knows which
// it has), or to wait for staff when they had taken it out of the queue (the server knows nothing
// of those); so does one that the good ledger has already. An open pour is taken when its numbers
// agree with each other. Rows of the other books carry no proof; they are taken when their shape is
// right. Used while a ledger is restored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <SQLiteCpp/Database.h>

namespace tapd::storage {

struct Salvage {
  std::int64_t finished{0};         ///< Pours that the good ledger lacked.
  std::int64_t open{0};             ///< Pours that were running.
  std::int64_t others{0};           ///< Rows of the other books.
  std::vector<std::string> parked;  ///< Receipts of pours that staff had taken out of the queue.
  std::vector<std::string> unreadable;  ///< Receipts of pours that did not prove themselves.
};

/// Looks through `damaged` and its write-ahead log and adds to `good`, in one transaction. Throws
/// SQLite's exceptions; then nothing was added.
[[nodiscard]] Salvage salvage(SQLite::Database& good, const std::filesystem::path& damaged);

/// Declares a gap wherever the chain does not hold; answers each in words ("12 to 14").
[[nodiscard]] std::vector<std::string> declare_gaps(SQLite::Database& database);

}  // namespace tapd::storage
