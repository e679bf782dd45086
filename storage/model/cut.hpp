// Text that is cut to the room there is for it. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace tapd::model {

/// At most `most` bytes of it, without the rest of a UTF-8 character that does not fit.
[[nodiscard]] inline std::string cut_to(std::size_t most, std::string_view text) {
  std::size_t end = std::min(text.size(), most);
  const auto continues = [text](std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  while (end > 0 && continues(end)) --end;
  return std::string{text.substr(0, end)};
}

}  // namespace tapd::model
