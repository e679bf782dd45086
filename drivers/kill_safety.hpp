// What becomes of an open valve when tapd is killed: decided by the kernel's pin controller, which
// gives the pin back as an input or leaves it driven (Raspberry Pi's own kernels do the latter).
// Read once at start by the daemon, which says it in one line. Reads files below a root folder, so
// that it is tested without the machine; asks nothing of the hardware.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tapd::drivers {

enum class KillOutcome : std::uint8_t {
  released,  ///< The pin becomes an input; its pull shuts the valve.
  kept,      ///< The pin stays as it was: an open valve stays open.
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

}  // namespace tapd::drivers
