// When it is time to keep the books: the backup, the daily walk along the chain of pours,
// forgetting what was confirmed long ago. Pure: state and time go in, one chore comes out. Nothing
// is due while a pour is open.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "storage/model/records.hpp"

namespace tapd {

struct BookKeepingRules {
  std::filesystem::path backup_file;
  std::chrono::hours backup_interval{6};  ///< 0: only on demand.
  std::chrono::hours keep_confirmed{24 * 90};
  std::chrono::hours oldest_balance{72};  ///< As the policy has it: until then a balance counts.
  std::chrono::hours check_interval{24};
  std::chrono::minutes retry{30};  ///< After a chore that failed.
};

enum class Chore : std::uint8_t { none, back_up, check, forget };

/// When each chore was last done, in this boot; empty: not yet.
struct BookKeepingState {
  std::optional<model::SinceBoot> backed_up;
  std::optional<model::SinceBoot> checked;
  std::optional<model::SinceBoot> forgotten;
  /// When each chore failed last: one that cannot be done does not keep the others.
  std::map<Chore, model::SinceBoot> failed;
  std::string backup_holds;  ///< `state_of_books` that the newest backup contains.
};

/// The most urgent chore that is due. `books` is the ledger's `state_of_books`: without a change no
/// backup is due, so that an idle bar writes nothing. Forgetting needs a clock that can be trusted.
[[nodiscard]] Chore next_chore(const BookKeepingRules& rules, const BookKeepingState& state,
                               const std::string& books, bool pour_open, const model::Moment& now);

}  // namespace tapd
