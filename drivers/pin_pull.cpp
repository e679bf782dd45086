#include "drivers/pin_pull.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

namespace tapd::drivers {
namespace {

namespace fs = std::filesystem;

// How the kernel's generic pin configuration prints them.
constexpr std::array<std::pair<std::string_view, LineBias>, 3> words{
    {{"input bias pull down", LineBias::pull_down},
     {"input bias pull up", LineBias::pull_up},
     {"input bias disabled", LineBias::disabled}}};

/// The pin controller of a chip has its label at the end of its own name.
std::string pinconf_of(const std::string& label, const fs::path& root) {
  std::error_code failed;
  for (fs::directory_iterator entry(root / "sys/kernel/debug/pinctrl", failed), end;
       !failed && entry != end; entry.increment(failed)) {
    if (!entry->path().filename().string().ends_with(label)) continue;
    std::ifstream in(entry->path() / "pinconf-pins");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  return {};
}

}  // namespace

std::optional<LineBias> parse_pinconf(std::string_view text, unsigned pin) {
  const std::string start = fmt::format("pin {} (", pin);
  std::optional<LineBias> found;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.starts_with(start)) continue;
    for (const auto& [word, bias] : words) {
      if (line.find(word) == std::string_view::npos) continue;
      if (found) return std::nullopt;
      found = bias;
    }
  }
  return found;
}

PinPull read_pull(const FoundLine& line, const fs::path& root) {
  return {.held = parse_pinconf(pinconf_of(line.label, root), line.offset),
          .told = told_bias(line)};
}

}  // namespace tapd::drivers
