// The type A cards in a reader's field: wakes them, finds out one UID with every check byte
// verified, walks through collisions far enough to name two cards, and sends all back to sleep, so
// that the next look finds them again. Called by Mfrc522 for each look at a chip that is ready. It
// never guesses: what is not proved is SeveralCards or Garbled. It leaves curing the chip to its
// caller: trouble of the chip or the bus is the look's result, or what take_trouble() answers.
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
#include "drivers/iso14443.hpp"
#include "drivers/mfrc522_chip.hpp"

namespace tapd::drivers {

class TypeAField {
 public:
  /// `chip` must outlive the field.
  explicit TypeAField(Mfrc522Chip& chip) : chip_(chip) {}

  /// Whoever is there.
  [[nodiscard]] Look find_card();
  /// The same when the last look found this UID: one answer fewer to wait for while it still lies
  /// there. A second card beside it is not noticed.
  [[nodiscard]] Look ask_by_name(const Uid& uid);
  /// Trouble met while sending cards to sleep, after the look's result was known; asked once.
  [[nodiscard]] std::optional<std::string> take_trouble();
  /// What the answer to waking and the UID contradict each other in, told once per card.
  [[nodiscard]] std::optional<std::string> take_contradiction();
  /// HLTA is obeyed in silence; so many times a card did not obey.
  [[nodiscard]] std::uint64_t halts_answered() const { return halts_answered_; }

 private:
  using Bytes = std::vector<std::uint8_t>;
  using Atqa = std::array<std::uint8_t, iso14443::atqa_size>;
  /// One way down the tree of UIDs.
  struct Walk {
    bool first_choice{true};  ///< The bit taken at the first collision; later ones: true.
    int collisions{0};
    int rounds{0};
  };

  /// nullopt: they woke up, and their answers collided.
  [[nodiscard]] tl::expected<std::optional<Atqa>, Look> wake();
  [[nodiscard]] Look name_several(const tl::expected<Uid, Look>& first);
  [[nodiscard]] tl::expected<bool, Look> answers_to(const Uid& uid);
  [[nodiscard]] tl::expected<Uid, Look> read_uid(Walk& walk);
  [[nodiscard]] tl::expected<iso14443::Part, Look> read_part(std::size_t level, Walk& walk);
  [[nodiscard]] tl::expected<std::uint8_t, Look> select(std::size_t level,
                                                        const iso14443::Part& part);
  void compare(const std::optional<Atqa>& atqa, const Uid& uid);
  void halt();

  Mfrc522Chip& chip_;
  std::optional<std::string> trouble_;
  std::optional<std::string> contradiction_;
  std::optional<Uid> contradicted_;  ///< The last card of which that was told.
  std::uint64_t halts_answered_{0};
};

}  // namespace tapd::drivers
