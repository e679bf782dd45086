// A card reader with an MFRC522: a look checks the chip, then asks the cards in its field
// (TypeAField). Called by the reader's thread through the CardReader port. It promises never to
// guess: two cards are SeveralCards, a wrong check byte is Garbled, a chip that lost its settings
// is ReaderTrouble and is brought back by ever stronger remedies. It holds no thread and never
// sleeps but through the pacing handed in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "drivers/card_reader.hpp"
#include "drivers/clock.hpp"
#include "drivers/mfrc522_chip.hpp"
#include "drivers/mfrc522_recovery.hpp"
#include "drivers/output_line.hpp"
#include "drivers/spi_bus.hpp"
#include "drivers/type_a_field.hpp"

namespace tapd::drivers {

struct Mfrc522Settings {
  ReaderGain gain{ReaderGain::db38};
  RecoveryRules recovery;
  /// A card that was read is asked by its name from then on; every so many looks all are asked for
  /// theirs, so that a second card beside it is noticed. 1: always.
  int looks_per_full_look{4};
};

class Mfrc522 final : public CardReader {
 public:
  /// Touches nothing: the first look starts the chip. `bus` and `line` must outlive the reader; no
  /// line: the chip's reset is not wired. It is on while it holds the chip in reset.
  Mfrc522(SpiBus& bus, Pacing pacing, Mfrc522Settings settings = {}, OutputLine* line = nullptr);

  /// 3 to 15 ms with a card, 2 ms without; up to 350 ms when the chip must be reset.
  [[nodiscard]] Look look(SinceBoot now) override;
  void cycle_field() override;
  [[nodiscard]] std::string describe() const override;
  [[nodiscard]] ReaderHealth health() const override;
  [[nodiscard]] std::vector<ReaderNote> take_notes() override;
  /// HLTA is obeyed in silence; so many times a card did not obey.
  [[nodiscard]] std::uint64_t halts_answered() const { return cards_.halts_answered(); }

 private:
  [[nodiscard]] Look look_if_ready(SinceBoot now);
  [[nodiscard]] Look look_at_field();
  [[nodiscard]] std::string remedy_trouble(const std::string& what);
  [[nodiscard]] Mfrc522Chip::Status apply(ReaderRemedy remedy);
  void fail(const std::string& what);

  SpiBus& bus_;
  Pacing pacing_;
  Mfrc522Chip chip_;
  TypeAField cards_{chip_};
  ReaderRecovery recovery_;
  int looks_per_full_look_;
  bool ready_{false};
  std::optional<Uid> known_;  ///< The card that the last look found.
  int looks_by_name_{0};
  std::uint8_t named_version_{0};
  std::vector<ReaderNote> notes_;
  ReaderHealth health_;
};

}  // namespace tapd::drivers
