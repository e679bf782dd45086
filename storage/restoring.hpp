// Opening a ledger that may be damaged. A damaged file is set aside beside the ledger, never
// deleted; the newest good backup takes its place, with every pour added that the damaged file and
// its log still prove. Used at start, before anything sells. A power cut in the middle is made good
// at the next start. What was recovered and what was not is told in words for staff.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "storage/ledger.hpp"

namespace tapd::storage {

struct RestoreOptions {
  LedgerOptions ledger;
  std::filesystem::path backup;  ///< The newest; see backup_names. Empty: there is none.
  /// Without a good backup: go on with what the damaged file proves, and nothing else. Otherwise
  /// the ledger stays shut, because nobody can say what is missing.
  bool start_empty_after_loss{false};
  model::Moment now;
};

/// Opens the ledger, restoring it when it is damaged; `told` gets a line for each thing that was
/// done. A restored ledger knows no balances: nothing is sold offline until the server was heard.
/// Throws OpenError like the ledger itself; then the file was left as it was.
[[nodiscard]] std::unique_ptr<Ledger> open_or_restore(const RestoreOptions& options,
                                                      std::vector<std::string>& told);

}  // namespace tapd::storage
