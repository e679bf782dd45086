// A contactless card as the air sees it: the type A states of ISO/IEC 14443-3 (idle, ready, active,
// halt, and the variants that fall back to halt), with UIDs of 4, 7 and 10 bytes. Used by
// Mfrc522Model, and through it by the reader's tests and by the emulated machine. Frames are bits,
// so that two cards can collide. It stops where the UID is known: no application commands.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drivers/card_reader.hpp"

namespace tapd::drivers::sim {

/// Data bits in the order in which they are sent; parity, start and end are left out.
using Bits = std::vector<bool>;

/// Bytes to bits, low bit first; `last_bits` of the last byte (0: all eight).
[[nodiscard]] Bits to_bits(std::span<const std::uint8_t> bytes, int last_bits = 0);
/// Bits to bytes, low bit first; the last byte is filled up with zeros.
[[nodiscard]] std::vector<std::uint8_t> to_bytes(const Bits& bits);

/// What several senders make on the air together: as long as the longest, ones win, and the first
/// bit where a one meets a zero is a collision.
struct Superposition {
  Bits bits;
  std::optional<std::size_t> collision;  ///< Index of the first collided bit.
};
[[nodiscard]] Superposition superpose(std::span<const Bits> answers);

/// What a card is. `atqa` and `sak` are what card_with_uid finds proper for the length.
struct Card {
  Uid uid;
  std::array<std::uint8_t, 2> atqa{0x04, 0x00};
  std::uint8_t sak{0x08};  ///< The final one; the levels before it answer 0x04.
  bool wrong_bcc{false};   ///< Sends a false check byte after each part of its UID.
  bool wrong_crc{false};   ///< Sends a false checksum after each SAK.
};
[[nodiscard]] Card card_with_uid(const Uid& uid);

enum class CardState : std::uint8_t { off, idle, ready, active, halt };

class CardModel {
 public:
  explicit CardModel(Card card);
  /// Power from the field. Off forgets everything, on makes the card idle.
  void power(bool on);
  /// Hears a frame of the reader; the answer, empty for silence.
  [[nodiscard]] Bits hear(const Bits& frame);
  [[nodiscard]] CardState state() const { return state_; }
  [[nodiscard]] const Card& card() const { return card_; }

 private:
  using Part = std::array<std::uint8_t, 5>;  ///< Four bytes of one cascade level and their BCC.

  [[nodiscard]] std::size_t levels() const;
  [[nodiscard]] Part part(std::size_t level) const;
  [[nodiscard]] Bits hear_ready(const Bits& frame);
  [[nodiscard]] Bits hear_anticollision(const Bits& frame);
  [[nodiscard]] Bits hear_select(std::span<const std::uint8_t> frame);
  [[nodiscard]] bool is_halt(const Bits& frame) const;
  void fall_back();

  Card card_;
  CardState state_{CardState::off};
  bool was_halted_{false};  ///< The starred states: falls back to halt instead of idle.
  std::size_t level_{0};
};

}  // namespace tapd::drivers::sim
