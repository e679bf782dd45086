// Says at start, in one line, whether a killed tapd is a shut valve on this machine, and bars the
// taps where the configuration demands that and the machine does not give it.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "daemon/config.hpp"
#include "daemon/journal.hpp"
#include "drivers/kill_safety.hpp"

namespace tapd {

struct KillVerdict {
  Level level{Level::info};
  std::string line;    ///< For the journal.
  std::string unsafe;  ///< Why no tap with a real valve may sell; empty: they may.
};

/// The worst of what the valves' chips do decides. `required`: controller.require_safe_kill.
[[nodiscard]] KillVerdict judge_kill(std::span<const drivers::KillSafety> chips, bool required);

/// Looks at the chips of every real valve and says the line; answers KillVerdict::unsafe. Throws
/// std::runtime_error when a valve's line is not to be found. `root` stands for "/".
[[nodiscard]] std::string check_kill(const Config& config, Journal& journal,
                                     const std::filesystem::path& root = "/");

}  // namespace tapd
