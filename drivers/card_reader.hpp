// The card reader as the daemon sees it: one look at the field at a time. A real reader blocks on
// SPI for some milliseconds, so it lives on a thread of its own; what the looks mean (arrived,
// left, two cards) is decided by CardPresence, which is pure.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tapd::drivers {

/// Time since boot (CLOCK_BOOTTIME).
using SinceBoot = std::chrono::nanoseconds;

/// A card's UID as read from the air: 4, 7 or 10 bytes (ISO/IEC 14443-3).
struct Uid {
  std::array<std::uint8_t, 10> bytes{};
  std::uint8_t size{0};
  bool operator==(const Uid&) const = default;
};

/// A card answered, and every check byte was right.
struct CardSeen {
  Uid uid;
};
/// Clean silence: the only evidence of absence.
struct NobodyThere {};
/// Something answered, but the frame was broken (parity, CRC, BCC): not absence.
struct Garbled {
  std::string what;
};
/// Two cards at once: one of them must be taken away.
struct SeveralCards {
  std::optional<Uid> one{};    ///< Proved, as far as the walk through the collisions came.
  std::optional<Uid> other{};  ///< Likewise; another than `one`.
};
/// A card that cannot be accepted as a name: a random UID (first byte 0x08), all zero, all 0xFF.
struct UnusableCard {
  Uid uid;
  std::string why;
};
/// The reader itself did not answer or lost its settings.
struct ReaderTrouble {
  std::string what;
};

/// What one look at the field found.
using Look =
    std::variant<NobodyThere, CardSeen, Garbled, SeveralCards, UnusableCard, ReaderTrouble>;

/// A line for the journal, without the name of the reader.
struct ReaderNote {
  bool serious{false};  ///< Somebody should look at the reader.
  std::string text;
};

/// How a reader has been doing since it was made. For the status and the metrics.
struct ReaderHealth {
  bool out_of_service{false};  ///< Given up for now; tried again every few seconds.
  std::uint64_t looks{0};
  std::uint64_t garbled{0};      ///< Looks at which something answered that was no proper frame.
  std::uint64_t troubles{0};     ///< Looks at which the reader itself failed.
  std::uint64_t incidents{0};    ///< Troubles in a row count as one.
  std::uint64_t initialised{0};  ///< Remedies applied, from the mildest to the strongest.
  std::uint64_t soft_resets{0};
  std::uint64_t line_resets{0};
  std::uint64_t reopened{0};
  std::uint64_t given_up{0};  ///< Times it was taken out of service.
};

/// A card reader. Used from one thread.
class CardReader {
 public:
  CardReader() = default;
  virtual ~CardReader() = default;
  CardReader(const CardReader&) = delete;
  CardReader& operator=(const CardReader&) = delete;
  CardReader(CardReader&&) = delete;
  CardReader& operator=(CardReader&&) = delete;

  /// Looks once. Blocks for at most some tens of milliseconds; never throws for trouble on the air
  /// or on the bus (that is a ReaderTrouble).
  [[nodiscard]] virtual Look look(SinceBoot now) = 0;
  /// Switches the field off and on again, so that a halted card that still lies there becomes
  /// visible again. Called after a card was declared gone.
  virtual void cycle_field() {}
  /// How it has been doing.
  [[nodiscard]] virtual ReaderHealth health() const { return {}; }
  /// What the journal should say since the last call: usually nothing.
  [[nodiscard]] virtual std::vector<ReaderNote> take_notes() { return {}; }
  /// What the reader is, for the start-up line ("MFRC522 version 2.0 on /dev/spidev0.0").
  [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace tapd::drivers
