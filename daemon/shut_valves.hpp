// `tapd --shut-valves`: drives every configured valve shut, without ledger, readers or server. Run
// by systemd after tapd has ended, however it ended (ExecStopPost), and by hand. A line that a
// living tapd holds is its own business: the kernel gives it to nobody else.
#pragma once

#include <string>
#include <vector>

#include "daemon/config.hpp"

namespace tapd {

struct ShutReport {
  bool all_shut{true};
  std::vector<std::string> lines;  ///< One for each tap: what was done, or why it was not.
};

/// Tries every valve, whatever became of those before it.
[[nodiscard]] ShutReport shut_valves(const Config& config);

}  // namespace tapd
