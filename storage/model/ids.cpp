#include "storage/model/ids.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <uuid/uuid.h>

namespace tapd::model {
namespace {

constexpr std::size_t uuid_bytes = 16;
constexpr std::size_t uuid_text_length = 36;
static_assert(sizeof(uuid_t) == uuid_bytes);

std::string unparse(const uuid_t& bytes) {
  std::array<char, uuid_text_length + 1> text{};
  uuid_unparse_lower(bytes, text.data());
  return std::string{text.data(), uuid_text_length};
}

std::optional<std::uint8_t> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

bool is_uid_size(std::size_t size) {
  return size == 4 || size == 7 || size == 10;
}

}  // namespace

ClientTxId ClientTxId::from_random(const std::array<std::uint8_t, 16>& random) {
  uuid_t bytes{};
  std::copy(random.begin(), random.end(), std::begin(bytes));
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | 0x40U);  // Version 4.
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);  // Variant of RFC 9562.
  return ClientTxId{unparse(bytes)};
}

tl::expected<ClientTxId, std::string> ClientTxId::parse(std::string_view text) {
  uuid_t bytes{};
  const std::string copy{text};
  const bool sized = copy.size() == uuid_text_length;
  if (!sized || uuid_parse(copy.c_str(), bytes) != 0 || unparse(bytes) != copy) {
    return tl::make_unexpected(
        fmt::format("\"{}\" is not a UUID in its canonical lower-case form", text.substr(0, 40)));
  }
  return ClientTxId{copy};
}

std::string ClientTxId::short_id() const {
  std::string text = text_.substr(0, 8);
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

tl::expected<CardUid, std::string> CardUid::from_bytes(std::span<const std::uint8_t> bytes) {
  if (!is_uid_size(bytes.size())) {
    return tl::make_unexpected(
        fmt::format("a card UID has 4, 7 or 10 bytes, this one has {}", bytes.size()));
  }
  CardUid uid;
  std::copy(bytes.begin(), bytes.end(), uid.bytes_.begin());
  uid.size_ = static_cast<std::uint8_t>(bytes.size());
  return uid;
}

tl::expected<CardUid, std::string> CardUid::parse(std::string_view hex) {
  const std::size_t size = hex.size() / 2;
  if (hex.size() % 2 != 0 || !is_uid_size(size)) {
    return tl::make_unexpected(
        fmt::format("a card UID has 8, 14 or 20 hex digits, this text has {}", hex.size()));
  }
  std::array<std::uint8_t, largest_size> bytes{};
  for (std::size_t i = 0; i < size; ++i) {
    const auto high = hex_value(hex[2 * i]);
    const auto low = hex_value(hex[2 * i + 1]);
    if (!high || !low) {
      return tl::make_unexpected(fmt::format("\"{}\" is not a card UID: only hex digits", hex));
    }
    bytes.at(i) = static_cast<std::uint8_t>((*high << 4U) | *low);
  }
  return from_bytes(std::span{bytes}.first(size));
}

std::string CardUid::text() const {
  std::string text;
  text.reserve(2 * std::size_t{size_});
  for (const std::uint8_t byte : bytes()) text += fmt::format("{:02x}", byte);
  return text;
}

std::string CardUid::masked() const {
  const std::string full = text();
  return ".." + (full.size() > 4 ? full.substr(full.size() - 4) : full);
}

}  // namespace tapd::model
