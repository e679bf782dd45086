#include "daemon/repeats.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tapd {

std::optional<JournalLine> Repeats::pass(JournalLine line, model::SinceBoot now) {
  if (!may_be_held_back(line.message)) return line;
  const Key key{line.message, line.text};
  const auto found = said_.find(key);
  if (found == said_.end()) {
    if (said_.size() >= most_remembered) forget_oldest();
    said_.emplace(key, Said{.at = now, .held_back = 0});
    return line;
  }
  Said& last = found->second;
  if (now - last.at < window) {
    ++last.held_back;
    return std::nullopt;
  }
  if (last.held_back > 0) {
    line.text +=
        fmt::format(" (and {} times more in the {} s before)", last.held_back,
                    std::chrono::duration_cast<std::chrono::seconds>(now - last.at).count());
  }
  last = {.at = now, .held_back = 0};
  return line;
}

void Repeats::forget_oldest() {
  const auto oldest =
      std::min_element(said_.begin(), said_.end(),
                       [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
  said_.erase(oldest);
}

}  // namespace tapd
