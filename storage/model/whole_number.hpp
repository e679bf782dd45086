// A whole number from text: all of the text, in decimal, or nothing. For queries, keys and headers;
// TOML and JSON read their own.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace tapd::model {

/// "12" or "-12"; nullopt for anything else: no text, spaces, a plus, a fraction, letters behind
/// it, or more than 64 bits.
[[nodiscard]] inline std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

}  // namespace tapd::model
