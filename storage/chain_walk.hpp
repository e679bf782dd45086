// Walks the chain of finished pours and says where it is broken: each row must say what its hash
// says, and follow the row before it. In slices, so that nothing else waits long for the
// connection. Used by the ledger and by tapctl on a file that no tapd has open; it changes nothing.
// Rows that were removed on purpose (retention) or lost in a damage leave a declared gap in `meta`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/ledger.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {

/// What follows the row before a gap: the number of the next row and its `prev_hash`.
struct DeclaredGap {
  std::int64_t next_no{0};
  std::string prev_hash;
};

/// The `meta` key of the gap after row `chain_no` (0: before the first row that is kept).
[[nodiscard]] std::string gap_key(std::int64_t chain_no);
/// "number hash", as it stands in `meta`.
[[nodiscard]] std::string to_text(const DeclaredGap& gap);

class ChainWalk {
 public:
  explicit ChainWalk(SQLite::Database& database);

  /// Looks at the next `most` rows after `from`. Throws SQLite's exceptions.
  [[nodiscard]] ChainSlice slice(const ChainPosition& from, std::size_t most);
  /// A row that is still to be charged must say what was written; the rest of the chain is walked
  /// when there is time, or here when a backup or the daily walk has met something (`suspected`): a
  /// page can be well whose row is not.
  [[nodiscard]] std::optional<BrokenLink> broken_at_start(bool suspected);
  /// The first of the oldest `most` rows that the server has not confirmed whose hash does not
  /// hold: what it says must not be charged.
  [[nodiscard]] std::optional<BrokenLink> broken_unconfirmed(std::size_t most);

 private:
  struct Row;
  [[nodiscard]] static Row read(Use& use);
  struct Start {
    ChainPosition behind;
    std::int64_t pour_seq{0};  ///< Of the row there.
  };
  [[nodiscard]] Start still_kept(const ChainPosition& from);
  [[nodiscard]] std::optional<DeclaredGap> gap_after(std::int64_t chain_no);
  [[nodiscard]] std::optional<BrokenLink> unnumbered(std::int64_t first_seq, std::int64_t last_seq);
  [[nodiscard]] std::optional<std::string> fault_of_link(const ChainPosition& before,
                                                         const Row& row, ChainSlice& slice);

  SQLite::Statement rows_;
  SQLite::Statement unconfirmed_;
  SQLite::Statement kept_;
  SQLite::Statement gap_;
  SQLite::Statement unnumbered_;
};

/// Walks the whole chain of a file that no process holds: on a private copy, so that the file stays
/// as it is. An error says why the file cannot be read.
[[nodiscard]] Result<ChainSlice> verify_file(const std::filesystem::path& file);

}  // namespace tapd::storage
