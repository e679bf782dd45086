#include "trace.hpp"

#include <cstring>

namespace tapd::simulation {

void Trace::take(std::string_view line) {
  count(line.size());
  for (std::size_t at = 0; at < line.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, line.data() + at, std::min(sizeof word, line.size() - at));
    mix(word);
  }
  if (prints_) fmt::print("{}  {}\n", clock_text(agenda_.now()), line);
}

std::string clock_text(Time time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  return fmt::format("{}d {:02}:{:02}:{:02}.{:03}", ms / 86'400'000, ms / 3'600'000 % 24,
                     ms / 60'000 % 60, ms / 1'000 % 60, ms % 1'000);
}

}  // namespace tapd::simulation
