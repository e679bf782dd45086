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
  drivers::KillOutcome outcome{drivers::KillOutcome::released};
  Level level{Level::info};
  std::string line;    ///< For the journal.
  std::string unsafe;  ///< Why no tap with a real valve may sell; empty: they may.
};

/// What a kill does to one valve: by the word of its pin's controller, and by its pull.
struct ValveFate {
  drivers::KillSafety controller;
  drivers::KillSafety pull;
};

/// `line`: where the tap's valve is. `root` stands for "/".
[[nodiscard]] ValveFate fate_of(const TapConfig& tap, const drivers::FoundLine& line,
                                const std::filesystem::path& root);

/// The worst of the valves decides. `required`: controller.require_safe_kill.
[[nodiscard]] KillVerdict judge_kill(std::span<const ValveFate> valves, bool required);

/// Looks at chip and pin of every real valve, which tapd should hold by then, and says the line;
/// answers KillVerdict::unsafe. Throws std::runtime_error when a valve's line is not to be found.
/// `root` stands for "/".
[[nodiscard]] std::string check_kill(const Config& config, Journal& journal,
                                     const std::filesystem::path& root = "/");

}  // namespace tapd
