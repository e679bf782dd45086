#include "drivers/gpio_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <gpiod.hpp>
#include <set>
#include <stdexcept>
#include <system_error>

namespace tapd::drivers {
namespace {

namespace fs = std::filesystem;

// A Pi 5 has about ten; a folder with more is not a folder of GPIO chips.
constexpr std::size_t chips_max = 64;
// The kernel's own ENOTSUPP, which has no name in user space.
constexpr int error_not_supported = 524;

std::string text_of(int error) {
  return std::generic_category().message(error);
}

std::string explain_open(const std::system_error& error) {
  const int code = error.code().value();
  if (code == EACCES || code == EPERM) {
    return "no permission: the user of the service must be in group gpio, and its unit must allow "
           "the device (DeviceAllow=char-gpiochip rw)";
  }
  return text_of(code);
}

ChipListing list_chip(const fs::path& path) {
  ChipListing listing;
  listing.path = path;
  try {
    const gpiod::chip chip(path);
    const auto info = chip.get_info();
    listing.label = info.label();
    for (unsigned offset = 0; offset < info.num_lines(); ++offset) {
      listing.lines.push_back({.offset = offset, .name = chip.get_line_info(offset).name()});
    }
  } catch (const std::system_error& error) {
    listing.error = explain_open(error);
  } catch (const std::exception& error) {
    listing.error = error.what();
  }
  return listing;
}

std::string describe_chips(std::span<const ChipListing> chips) {
  std::string all;
  for (const ChipListing& chip : chips) {
    if (!all.empty()) all += "; ";
    all += chip.path.filename().string();
    all += chip.error.empty() ? fmt::format(" ({}, {} lines)", chip.label, chip.lines.size())
                              : fmt::format(" ({})", chip.error);
  }
  return all;
}

std::vector<FoundLine> all_matching(std::span<const ChipListing> chips,
                                    const LineAddress& address) {
  const auto matches = [&](const ChipListing& chip, const LineListing& line) {
    if (const auto* place = std::get_if<LineOffset>(&address)) {
      return place->chip == chip.label && place->offset == line.offset;
    }
    const auto& wanted = std::get<LineName>(address);
    return !line.name.empty() && wanted.name == line.name &&
           (wanted.chip.empty() || wanted.chip == chip.label);
  };
  std::vector<FoundLine> found;
  for (const ChipListing& chip : chips) {
    for (const LineListing& line : chip.lines) {
      if (!matches(chip, line)) continue;
      found.push_back(
          {.chip = chip.path, .label = chip.label, .offset = line.offset, .name = line.name});
    }
  }
  return found;
}

}  // namespace

std::string describe(const LineAddress& address) {
  if (const auto* place = std::get_if<LineOffset>(&address)) {
    return fmt::format("line {} on {}", place->offset, place->chip);
  }
  const auto& line = std::get<LineName>(address);
  return line.chip.empty() ? line.name : fmt::format("{} on {}", line.name, line.chip);
}

std::string describe(const FoundLine& line) {
  if (line.name.empty()) return describe(LineOffset{.chip = line.label, .offset = line.offset});
  return fmt::format("{} on {}", line.name, line.label);
}

std::vector<ChipListing> list_chips(const fs::path& devices) {
  std::set<fs::path> paths;
  std::error_code failed;
  for (fs::directory_iterator entry(devices, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const bool named = entry->path().filename().string().starts_with("gpiochip");
    if (!named || !gpiod::is_gpiochip_device(entry->path())) continue;
    // gpiochip4 is a link to gpiochip0 on some systems: the same chip, and the same lines.
    const fs::path real = fs::canonical(entry->path(), failed);
    if (!failed && paths.size() < chips_max) paths.insert(real);
    failed.clear();
  }
  std::vector<ChipListing> chips;
  chips.reserve(paths.size());
  for (const fs::path& path : paths) chips.push_back(list_chip(path));
  return chips;
}

tl::expected<FoundLine, std::string> choose_line(std::span<const ChipListing> chips,
                                                 const LineAddress& address) {
  const std::string wanted = describe(address);
  if (chips.empty()) {
    return tl::unexpected(fmt::format(
        "{}: there is no GPIO chip: has the kernel a driver for it, and does the unit of the "
        "service allow it (DeviceAllow=char-gpiochip rw)?",
        wanted));
  }
  const auto found = all_matching(chips, address);
  if (found.empty()) {
    return tl::unexpected(
        fmt::format("{} is on none of the GPIO chips: {}", wanted, describe_chips(chips)));
  }
  if (found.size() > 1) {
    std::string places;
    for (const FoundLine& line : found) {
      if (!places.empty()) places += ", ";
      places +=
          fmt::format("line {} of {} ({})", line.offset, line.chip.filename().string(), line.label);
    }
    return tl::unexpected(
        fmt::format("{} is not one line but {}: give the label of the chip, or chip and offset",
                    wanted, places));
  }
  return found.front();
}

FoundLine find_line(const LineAddress& address, const fs::path& devices) {
  const auto chips = list_chips(devices);
  auto found = choose_line(chips, address);
  if (!found) throw std::runtime_error(found.error());
  return std::move(*found);
}

std::optional<LineBias> told_bias(const FoundLine& line) {
  try {
    switch (gpiod::chip(line.chip).get_line_info(line.offset).bias()) {
      case gpiod::line::bias::PULL_UP:
        return LineBias::pull_up;
      case gpiod::line::bias::PULL_DOWN:
        return LineBias::pull_down;
      case gpiod::line::bias::DISABLED:
        return LineBias::disabled;
      case gpiod::line::bias::AS_IS:
      case gpiod::line::bias::UNKNOWN:
        return std::nullopt;
    }
  } catch (const std::exception&) {
    return std::nullopt;  // a chip that has gone tells nothing
  }
  return std::nullopt;
}

std::string request_error(const FoundLine& line, int error) {
  if (error == error_not_supported) {
    return fmt::format("{}: the chip cannot do what is asked of the line (bias or edges)",
                       describe(line));
  }
  if (error != EBUSY) return fmt::format("{}: {}", describe(line), text_of(error));
  std::string holder;
  try {
    holder = gpiod::chip(line.chip).get_line_info(line.offset).consumer();
  } catch (const std::exception&) {
    holder.clear();  // Nobody can say any more who it was; the error is told without it.
  }
  return fmt::format("{} is in use by {}: stop that, or choose another line", describe(line),
                     holder.empty() ? "somebody who gives no name" : '"' + holder + '"');
}

}  // namespace tapd::drivers
