// What becomes of an open valve when tapd is killed. The kernel's pin controller gives the pin back
// as an input or leaves it driven (Raspberry Pi's own kernels do the latter); as an input it goes
// where its pull says. Read once at start by the daemon, which says it in one line. Reads files
// below a root folder, so that it is tested without the machine; asks nothing of the hardware.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "drivers/pin_pull.hpp"

namespace tapd::drivers {

enum class KillOutcome : std::uint8_t {
  released,  ///< For the controller: the pin becomes an input. For a pull: it shuts the valve.
  kept,      ///< The valve is open afterwards.
  unknown,   ///< The kernel does not say.
};

struct KillSafety {
  KillOutcome outcome{KillOutcome::unknown};
  std::string what;  ///< A sentence for the journal: why, and for `kept` what to do.
};

/// What the controller of a chip with this label ("pinctrl-bcm2711") does with the outputs of a
/// process that dies. `root` stands for "/".
[[nodiscard]] KillSafety kill_safety(std::string_view chip_label,
                                     const std::filesystem::path& root = "/");

/// What the pull does to a valve's pin that nobody drives. `name` is the line's, for the sentence.
[[nodiscard]] KillSafety pull_safety(std::string_view name, bool active_low, const PinPull& pull);

}  // namespace tapd::drivers
