// The words of ISO/IEC 14443-3 type A: the frames a reader sends to find out a card's UID, the
// check bytes of the answers, and which UIDs cannot serve as a name. Pure functions and values,
// called by the MFRC522 driver (and by its model of a card); any thread. Nothing here knows a chip.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "drivers/card_reader.hpp"

namespace tapd::drivers::iso14443 {

/// REQA wakes idle cards; WUPA idle and halted ones. Short frames: seven bits, no check bytes.
inline constexpr std::uint8_t reqa = 0x26;
inline constexpr std::uint8_t wupa = 0x52;
inline constexpr int short_frame_bits = 7;
/// First byte of a level's part when more UID follows on the next level.
inline constexpr std::uint8_t cascade_tag = 0x88;
inline constexpr std::uint8_t sak_more_to_come = 0x04;
inline constexpr std::size_t level_count = 3;
/// SEL of the cascade levels.
inline constexpr std::array<std::uint8_t, level_count> select_codes{0x93, 0x95, 0x97};
/// NVB: "here are all 40 bits".
inline constexpr std::uint8_t nvb_know_all = 0x70;
inline constexpr std::size_t atqa_size = 2;
inline constexpr std::size_t part_size = 5;
inline constexpr std::size_t sak_answer_size = 3;

/// Four bytes of UID (or cascade tag and three) and their check byte, as one level answers.
using Part = std::array<std::uint8_t, part_size>;

/// The first `count` bits of a part, in the order of sending (low bit of each byte first); the
/// others are zero.
struct KnownBits {
  Part bits{};
  std::size_t count{0};
};
/// Two cards' parts differ within the first 32 bits: the check byte follows from them.
inline constexpr std::size_t uid_bits_of_part = 32;

/// CRC_A, low byte first as it is sent.
[[nodiscard]] std::array<std::uint8_t, 2> crc_a(std::span<const std::uint8_t> bytes);
/// The check byte of a part: exclusive or of its four bytes.
[[nodiscard]] std::uint8_t bcc(std::span<const std::uint8_t, 4> bytes);

/// The frames. `level` is 0, 1 or 2. Anticollision asks those cards whose part begins with `known`
/// (fewer than 40 bits) for the rest of it; the last byte may be one of known.count % 8 bits.
[[nodiscard]] std::vector<std::uint8_t> anticollision_frame(std::size_t level,
                                                            const KnownBits& known = {});
[[nodiscard]] std::array<std::uint8_t, 9> select_frame(std::size_t level, const Part& part);
[[nodiscard]] std::array<std::uint8_t, 4> halt_frame();

/// Puts `known` and the answer to its anticollision frame together. The answer begins with the byte
/// that holds the first bit asked for; bits before that one do not count. Checks length and BCC:
/// the error names what is wrong.
[[nodiscard]] tl::expected<Part, std::string> read_part(std::size_t level,
                                                        std::span<const std::uint8_t> answer,
                                                        const KnownBits& known = {});
/// What is known after a collision: the bits of such an answer up to bit `collision` of the part,
/// which is chosen. `collision` is not below known.count and below uid_bits_of_part; what the
/// answer is too short for is zero.
[[nodiscard]] KnownBits branch(const KnownBits& known, std::span<const std::uint8_t> answer,
                               std::size_t collision, bool chosen);
/// The size of UID, 4, 7 or 10, that the answer to a request tells; 0: none of them.
[[nodiscard]] std::size_t uid_size_told(std::span<const std::uint8_t, atqa_size> atqa);
/// Checks an answer to the select frame: its length and CRC. The SAK, or what is wrong.
[[nodiscard]] tl::expected<std::uint8_t, std::string> read_sak(
    std::size_t level, std::span<const std::uint8_t> answer);

/// Puts a UID together from the parts of up to three levels, each with the SAK that confirmed it.
class UidAssembly {
 public:
  /// True when the UID is complete. An error when part and SAK contradict each other, or a fourth
  /// level is asked for.
  [[nodiscard]] tl::expected<bool, std::string> add(const Part& part, std::uint8_t sak);
  /// The level to be asked next: 0, 1 or 2.
  [[nodiscard]] std::size_t level() const { return level_; }
  /// Only when add has said true.
  [[nodiscard]] const Uid& uid() const { return uid_; }

 private:
  void append(std::span<const std::uint8_t> bytes);

  Uid uid_;
  std::size_t level_{0};
};

/// The parts a card with this UID of 4, 7 or 10 bytes is selected with, level by level; empty for
/// any other length.
[[nodiscard]] std::vector<Part> parts_of(const Uid& uid);

/// Why a UID cannot be a card's name: random (4 bytes beginning with 0x08), a cascade tag where
/// none may be, nothing but zeros or ones. nullopt: it can.
[[nodiscard]] std::optional<std::string> refusal_of(const Uid& uid);

}  // namespace tapd::drivers::iso14443
