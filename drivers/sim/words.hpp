// Words and numbers of the simulated bar's little languages. Pure; used by command.cpp and
// scenario.cpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace tapd::drivers::sim {

/// What stands between blanks.
[[nodiscard]] inline std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view blanks = " \t\r\n";
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(blanks), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

/// The whole word as a number in plain notation; nullopt: it is none, or not a finite one.
template<typename Number>
[[nodiscard]] std::optional<Number> number_in(std::string_view word) {
  Number number{};
  const char* const end = word.data() + word.size();
  std::from_chars_result read{};
  if constexpr (std::is_floating_point_v<Number>) {
    read = std::from_chars(word.data(), end, number, std::chars_format::fixed);
    if (!std::isfinite(number)) return std::nullopt;  // "inf" and "nan" are read as well.
  } else {
    read = std::from_chars(word.data(), end, number);
  }
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace tapd::drivers::sim
