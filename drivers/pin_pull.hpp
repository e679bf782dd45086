// What becomes of a pin that nobody drives any more: its pull, as far as the kernel tells. Read
// once at start by the daemon, for the line that says what a kill does. What the pin controller
// reads back comes from debugfs, which only root may read; what the kernel was told, from the
// line's info. It asks nothing of the hardware and changes nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "drivers/gpio_lines.hpp"

namespace tapd::drivers {

struct PinPull {
  std::optional<LineBias> held;  ///< Read back from the pin; none: its controller does not tell.
  std::optional<LineBias> told;  ///< Set through the kernel; none: nobody has.

  /// The better word of the two.
  [[nodiscard]] std::optional<LineBias> known() const { return held ? held : told; }
};

/// The pull of one pin in the text of a controller's `pinconf-pins`; none when it is not there, or
/// says two things at once.
[[nodiscard]] std::optional<LineBias> parse_pinconf(std::string_view text, unsigned pin);

/// What is known of a line's pull; the request that holds the line should have set it. Never throws
/// for what cannot be read: that is not known. `root` stands for "/".
[[nodiscard]] PinPull read_pull(const FoundLine& line, const std::filesystem::path& root = "/");

}  // namespace tapd::drivers
