#include "storage/row_words.hpp"

#include <algorithm>

namespace tapd::storage {

std::string short_note(const std::string& text) {
  constexpr std::size_t longest = 500;
  std::size_t end = std::min(text.size(), longest);
  const auto continues = [&text](std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  while (end > 0 && continues(end)) --end;
  return text.substr(0, end);
}

}  // namespace tapd::storage
