// Identifiers: names that must not be mixed up. Each is a type of its own; texts are checked where
// they enter the program.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace tapd::model {

/// A text identifier of one kind; `Kind` only tells the kinds apart.
template<typename Kind>
class TextId {
 public:
  TextId() = default;
  explicit TextId(std::string text) : text_{std::move(text)} {}
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  auto operator<=>(const TextId&) const = default;

 private:
  std::string text_;
};

using GuestId = TextId<struct GuestKind>;        ///< Dictionary `guests.guest_id`, a UUID.
using KegId = TextId<struct KegKind>;            ///< Dictionary `kegs.keg_id`, a UUID.
using BeverageId = TextId<struct BeverageKind>;  ///< Dictionary `beverages.beverage_id`, a UUID.
using BootId = TextId<struct BootKind>;          ///< The kernel's: one per start of the board.

/// Dictionary `taps.tap_id`: the number painted on the tap, 1 to `largest`.
class TapId {
 public:
  static constexpr std::int32_t largest = 999;
  constexpr TapId() = default;
  constexpr explicit TapId(std::int32_t number) : number_{number} {}
  [[nodiscard]] constexpr std::int32_t number() const { return number_; }
  constexpr auto operator<=>(const TapId&) const = default;

 private:
  std::int32_t number_{0};
};

/// The idempotency key of a pour (dictionary `client_tx_id`): a random UUID, minted once, before
/// the valve opens, and never again for the same pour.
class ClientTxId {
 public:
  ClientTxId() = default;
  /// A version 4 UUID from 16 random bytes (RFC 9562, section 5.4).
  [[nodiscard]] static ClientTxId from_random(const std::array<std::uint8_t, 16>& random);
  /// The canonical lower-case text of a UUID; anything else is an error.
  [[nodiscard]] static tl::expected<ClientTxId, std::string> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  /// The receipt number that a guest can read out: the first eight hex digits, upper case.
  [[nodiscard]] std::string short_id() const;
  auto operator<=>(const ClientTxId&) const = default;

 private:
  explicit ClientTxId(std::string text) : text_{std::move(text)} {}
  std::string text_;
};

/// The UID of a card as ISO/IEC 14443-3 gives it: 4, 7 or 10 bytes. A name, not a proof.
class CardUid {
 public:
  static constexpr std::size_t largest_size = 10;

  CardUid() = default;
  /// 4, 7 or 10 bytes; other lengths are an error.
  [[nodiscard]] static tl::expected<CardUid, std::string> from_bytes(
      std::span<const std::uint8_t> bytes);
  /// Hex digits of either case without separators, as the wire contract writes UIDs.
  [[nodiscard]] static tl::expected<CardUid, std::string> parse(std::string_view hex);

  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {bytes_.data(), size_}; }
  /// Lower-case hex, always (wire contract, section 1).
  [[nodiscard]] std::string text() const;
  /// The last four digits behind dots ("..6b80"): what the journal shows.
  [[nodiscard]] std::string masked() const;
  [[nodiscard]] bool empty() const { return size_ == 0; }
  auto operator<=>(const CardUid&) const = default;

 private:
  std::array<std::uint8_t, largest_size> bytes_{};
  std::uint8_t size_{0};
};

}  // namespace tapd::model
