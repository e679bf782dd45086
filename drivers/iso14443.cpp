#include "drivers/iso14443.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tapd::drivers::iso14443 {
namespace {

constexpr std::uint16_t crc_a_preset = 0x6363;
constexpr std::uint16_t crc_a_polynomial = 0x8408;  // 0x1021, low bit first.
constexpr std::uint8_t random_uid_mark = 0x08;
constexpr std::uint8_t halt_command = 0x50;
constexpr std::size_t byte_bits = 8;
constexpr std::size_t header_size = 2;  ///< SEL and NVB, which counts both.

/// The known bits, and from there on the answer's; missing bytes are zero.
Part join(const KnownBits& known, std::span<const std::uint8_t> answer) {
  Part part = known.bits;
  const std::size_t whole = known.count / byte_bits;
  for (std::size_t i = 0; i < answer.size() && whole + i < part_size; ++i) {
    const unsigned mask = i == 0 ? 0xFFU << (known.count % byte_bits) : 0xFFU;
    part.at(whole + i) = static_cast<std::uint8_t>(part.at(whole + i) | (answer[i] & mask));
  }
  return part;
}

}  // namespace

std::array<std::uint8_t, 2> crc_a(std::span<const std::uint8_t> bytes) {
  std::uint16_t crc = crc_a_preset;
  for (const std::uint8_t byte : bytes) {
    crc = static_cast<std::uint16_t>(crc ^ byte);
    for (int bit = 0; bit < 8; ++bit) {
      const bool carry = (crc & 1U) != 0;
      crc = static_cast<std::uint16_t>(crc >> 1U);
      if (carry) crc = static_cast<std::uint16_t>(crc ^ crc_a_polynomial);
    }
  }
  return {static_cast<std::uint8_t>(crc & 0xFFU), static_cast<std::uint8_t>(crc >> 8U)};
}

std::uint8_t bcc(std::span<const std::uint8_t, 4> bytes) {
  return static_cast<std::uint8_t>(bytes[0] ^ bytes[1] ^ bytes[2] ^ bytes[3]);
}

std::vector<std::uint8_t> anticollision_frame(std::size_t level, const KnownBits& known) {
  const std::size_t whole = known.count / byte_bits;
  const std::size_t rest = known.count % byte_bits;
  const std::size_t begun = whole + (rest == 0 ? 0 : 1);
  std::vector<std::uint8_t> frame(header_size + begun);
  frame[0] = select_codes.at(level);
  frame[1] = static_cast<std::uint8_t>(((header_size + whole) << 4U) | rest);
  std::copy_n(known.bits.begin(), begun, frame.begin() + header_size);
  return frame;
}

std::array<std::uint8_t, 9> select_frame(std::size_t level, const Part& part) {
  std::array<std::uint8_t, 9> frame{select_codes.at(level), nvb_know_all};
  std::copy(part.begin(), part.end(), frame.begin() + 2);
  const auto crc = crc_a(std::span{frame}.first<7>());
  frame[7] = crc[0];
  frame[8] = crc[1];
  return frame;
}

std::array<std::uint8_t, 4> halt_frame() {
  constexpr std::array<std::uint8_t, 2> command{halt_command, 0x00};
  const auto crc = crc_a(command);
  return {command[0], command[1], crc[0], crc[1]};
}

tl::expected<Part, std::string> read_part(std::size_t level, std::span<const std::uint8_t> answer,
                                          const KnownBits& known) {
  const std::size_t asked = part_size - known.count / byte_bits;
  if (answer.size() != asked) {
    return tl::unexpected(fmt::format("UID part of level {}: {} bytes instead of {}", level + 1,
                                      answer.size(), asked));
  }
  const Part part = join(known, answer);
  const std::uint8_t expected = bcc(std::span{part}.first<4>());
  if (part[4] != expected) {
    return tl::unexpected(
        fmt::format("BCC of level {}: {:02X} instead of {:02X}", level + 1, part[4], expected));
  }
  return part;
}

KnownBits branch(const KnownBits& known, std::span<const std::uint8_t> answer,
                 std::size_t collision, bool chosen) {
  const Part heard = join(known, answer);
  KnownBits longer{.bits = {}, .count = collision + 1};
  for (std::size_t bit = 0; bit <= collision; ++bit) {
    const unsigned mask = 1U << (bit % byte_bits);
    const bool one = bit == collision ? chosen : (heard.at(bit / byte_bits) & mask) != 0;
    std::uint8_t& byte = longer.bits.at(bit / byte_bits);
    if (one) byte = static_cast<std::uint8_t>(byte | mask);
  }
  return longer;
}

std::size_t uid_size_told(std::span<const std::uint8_t, atqa_size> atqa) {
  constexpr std::array<std::size_t, 4> sizes{4, 7, 10, 0};
  return sizes.at(atqa[0] >> 6U);
}

tl::expected<std::uint8_t, std::string> read_sak(std::size_t level,
                                                 std::span<const std::uint8_t> answer) {
  if (answer.size() != sak_answer_size) {
    return tl::unexpected(fmt::format("SAK of level {}: {} bytes instead of {}", level + 1,
                                      answer.size(), sak_answer_size));
  }
  const auto expected = crc_a(answer.first(1));
  if (answer[1] != expected[0] || answer[2] != expected[1]) {
    return tl::unexpected(
        fmt::format("CRC of the SAK of level {}: {:02X} {:02X} instead of "
                    "{:02X} {:02X}",
                    level + 1, answer[1], answer[2], expected[0], expected[1]));
  }
  return answer[0];
}

tl::expected<bool, std::string> UidAssembly::add(const Part& part, std::uint8_t sak) {
  const bool tagged = part[0] == cascade_tag;
  const bool more = (sak & sak_more_to_come) != 0;
  if (!more) {
    append(std::span{part}.first<4>());
    return true;
  }
  if (!tagged) {
    return tl::unexpected(
        fmt::format("SAK {:02X} of level {} promises more, but the part begins "
                    "with {:02X} and not with the cascade tag",
                    sak, level_ + 1, part[0]));
  }
  if (level_ + 1 == level_count) {
    return tl::unexpected(fmt::format("SAK {:02X} asks for a fourth level", sak));
  }
  append(std::span{part}.subspan<1, 3>());
  ++level_;
  return false;
}

void UidAssembly::append(std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) uid_.bytes.at(uid_.size++) = byte;
}

std::vector<Part> parts_of(const Uid& uid) {
  if (uid.size != 4 && uid.size != 7 && uid.size != 10) return {};
  std::vector<Part> parts;
  std::size_t from = 0;
  while (from < uid.size) {
    const bool last = uid.size - from == 4;
    const std::size_t count = last ? 4 : 3;
    Part part{};
    if (!last) part[0] = cascade_tag;
    std::copy_n(uid.bytes.begin() + static_cast<std::ptrdiff_t>(from), count,
                part.begin() + (last ? 0 : 1));
    part[4] = bcc(std::span{part}.first<4>());
    parts.push_back(part);
    from += count;
  }
  return parts;
}

std::optional<std::string> refusal_of(const Uid& uid) {
  const auto bytes = std::span{uid.bytes}.first(std::min<std::size_t>(uid.size, uid.bytes.size()));
  const auto is = [](std::uint8_t wanted) {
    return [wanted](std::uint8_t byte) { return byte == wanted; };
  };
  if (bytes.empty() || std::all_of(bytes.begin(), bytes.end(), is(0x00))) {
    return "the UID is all zeros";
  }
  if (std::all_of(bytes.begin(), bytes.end(), is(0xFF))) return "the UID is all ones";
  if (bytes.size() == 4 && bytes[0] == random_uid_mark) {
    return "the UID is random and another one next time (a phone or a privacy card)";
  }
  // The tag may open no level that ends the UID, except the third.
  if ((bytes.size() == 4 && bytes[0] == cascade_tag) ||
      (bytes.size() == 7 && bytes[3] == cascade_tag)) {
    return "the UID has a cascade tag where none is allowed";
  }
  return std::nullopt;
}

}  // namespace tapd::drivers::iso14443
