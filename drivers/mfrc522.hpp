// A card reader with an MFRC522: wakes whatever lies in the field, finds out one UID with every
// check byte verified, and sends the card back to sleep, so that the next look finds it again.
// Called by the reader's thread through the CardReader port. It promises never to guess: two cards
// are SeveralCards, a wrong check byte is Garbled, a chip that lost its settings is ReaderTrouble
// and is initialised again. It holds no thread and never sleeps but through the pacing handed in.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "drivers/card_reader.hpp"
#include "drivers/clock.hpp"
#include "drivers/iso14443.hpp"
#include "drivers/mfrc522_chip.hpp"
#include "drivers/spi_bus.hpp"

namespace tapd::drivers {

struct Mfrc522Settings {
  ReaderGain gain{ReaderGain::db38};
};

/// What has happened since the reader was made. For the metrics and the journal.
struct Mfrc522Counters {
  std::uint64_t looks{0};
  std::uint64_t garbled{0};
  std::uint64_t troubles{0};
  std::uint64_t initialisations{0};  ///< Successful ones; the first is the start.
  std::uint64_t halts_answered{0};   ///< HLTA is obeyed in silence; these cards did not obey.
};

class Mfrc522 final : public CardReader {
 public:
  /// Touches nothing: the first look initialises. `bus` must outlive the reader.
  Mfrc522(SpiBus& bus, Pacing pacing, Mfrc522Settings settings = {});

  /// 5 to 15 ms with a card, 2 ms without; up to 200 ms when the chip must be reset.
  [[nodiscard]] Look look(SinceBoot now) override;
  void cycle_field() override;
  [[nodiscard]] std::string describe() const override;
  [[nodiscard]] const Mfrc522Counters& counters() const { return counters_; }

 private:
  using Bytes = std::vector<std::uint8_t>;

  [[nodiscard]] Look look_at_field();
  [[nodiscard]] Look find_card();
  [[nodiscard]] tl::expected<Uid, Look> read_uid();
  [[nodiscard]] tl::expected<Bytes, Look> ask(std::span<const std::uint8_t> frame,
                                              const std::string& what);
  void halt();
  [[nodiscard]] bool initialise(std::string& why_not);

  SpiBus& bus_;
  Mfrc522Chip chip_;
  bool ready_{false};
  Mfrc522Counters counters_;
};

}  // namespace tapd::drivers
