// Finding a GPIO line by what is written on the plan: its name ("GPIO17"), or the label of its chip
// and the offset on it. Never by the number of a chip, which changes with the kernel. Used by the
// valve and the flow meter when they are made; choosing is pure, so that it is tested without a
// chip. Errors are sentences that say what was found instead.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

namespace tapd::drivers {

/// A line by its name, which must be unique; on any chip, or on the one with this label.
struct LineName {
  std::string name;  ///< "GPIO17"
  std::string chip;  ///< "pinctrl-bcm2711"; empty: any.
};
/// A line by its place, for kernels that name lines after their use.
struct LineOffset {
  std::string chip;  ///< "pinctrl-bcm2711"
  unsigned offset{0};
};
using LineAddress = std::variant<LineName, LineOffset>;

/// What the chip does to a line that nobody drives.
enum class LineBias : std::uint8_t { as_is, disabled, pull_up, pull_down };

/// One line of a chip as the kernel lists it.
struct LineListing {
  unsigned offset{0};
  std::string name;  ///< Often empty.
};
/// One chip. `error` tells why its lines could not be listed.
struct ChipListing {
  std::filesystem::path path;  ///< "/dev/gpiochip0", symlinks followed.
  std::string label;
  std::vector<LineListing> lines;
  std::string error;
};
/// A line that was found.
struct FoundLine {
  std::filesystem::path chip;
  std::string label;
  unsigned offset{0};
  std::string name;
};

/// "GPIO17", "GPIO17 on pinctrl-rp1", "line 17 on pinctrl-rp1".
[[nodiscard]] std::string describe(const LineAddress& address);
[[nodiscard]] std::string describe(const FoundLine& line);

/// Every GPIO chip in a folder of devices, each once however many links lead to it, by path.
[[nodiscard]] std::vector<ChipListing> list_chips(const std::filesystem::path& devices = "/dev");
/// The one line that is meant, or why there is none: not found, found twice, no chip at all.
[[nodiscard]] tl::expected<FoundLine, std::string> choose_line(std::span<const ChipListing> chips,
                                                               const LineAddress& address);
/// list_chips and choose_line. Throws std::runtime_error with choose_line's sentence.
[[nodiscard]] FoundLine find_line(const LineAddress& address,
                                  const std::filesystem::path& devices = "/dev");
/// The bias that the kernel was told to give a line; none: nobody has told it, or it cannot be
/// asked.
[[nodiscard]] std::optional<LineBias> told_bias(const FoundLine& line);
/// The sentence for a line that was found but not granted; for one in use it names the holder.
[[nodiscard]] std::string request_error(const FoundLine& line, int error);

}  // namespace tapd::drivers
