#include "drivers/sim/card_model.hpp"

#include <catch2/catch_test_macros.hpp>

#include "drivers/iso14443.hpp"
#include "tests/drivers/reader_bench.hpp"

namespace tapd::drivers::sim {
namespace {

Bits short_frame(std::uint8_t command) {
  return to_bits(std::array<std::uint8_t, 1>{command}, iso14443::short_frame_bits);
}

const Bits reqa = short_frame(iso14443::reqa);
const Bits wupa = short_frame(iso14443::wupa);
const Bits halt = to_bits(iso14443::halt_frame());

CardModel powered(const Uid& uid) {
  CardModel card{card_with_uid(uid)};
  card.power(true);
  return card;
}

/// Selects all levels; the card is active afterwards.
void select(CardModel& card) {
  const std::size_t levels = card.card().uid.size == 4 ? 1U : card.card().uid.size == 7 ? 2U : 3U;
  for (std::size_t level = 0; level < levels; ++level) {
    const auto part = iso14443::read_part(
        level, to_bytes(card.hear(to_bits(iso14443::anticollision_frame(level)))));
    REQUIRE(part);
    REQUIRE(card.hear(to_bits(iso14443::select_frame(level, *part))).size() == 24);
  }
  REQUIRE(card.state() == CardState::active);
}

TEST_CASE("bits and bytes convert both ways, low bit first", "[card_model]") {
  const std::array<std::uint8_t, 2> bytes{0x26, 0x81};
  CHECK(to_bits(bytes).size() == 16);
  CHECK(to_bits(bytes, 3).size() == 11);
  CHECK(to_bits(bytes)[1]);
  CHECK(to_bytes(to_bits(bytes)) == std::vector<std::uint8_t>{0x26, 0x81});
  CHECK(to_bytes(to_bits(bytes, 3)) == std::vector<std::uint8_t>{0x26, 0x01});
}

TEST_CASE("two answers collide at their first difference", "[card_model]") {
  const std::vector<Bits> answers{to_bits(std::array<std::uint8_t, 2>{0x04, 0x11}),
                                  to_bits(std::array<std::uint8_t, 2>{0x04, 0x13})};
  CHECK(superpose(answers).collision == 9U);
  CHECK_FALSE(superpose(std::span{answers}.first(1)).collision);
  CHECK(superpose({}).bits.empty());
  const std::vector<Bits> same{answers[0], answers[0]};
  CHECK_FALSE(superpose(same).collision);
}

TEST_CASE("an idle card answers both requests, a halted one only WUPA", "[card_model]") {
  CardModel card = powered(four_bytes);
  CHECK(card.hear(reqa).size() == 16);
  card = powered(four_bytes);
  CHECK(card.hear(wupa).size() == 16);
  select(card);
  CHECK(card.hear(halt).empty());
  CHECK(card.state() == CardState::halt);
  CHECK(card.hear(reqa).empty());
  CHECK(card.hear(wupa).size() == 16);
}

TEST_CASE("a selected card answers no request, and is idle again after it", "[card_model]") {
  CardModel card = powered(seven_bytes);
  CHECK(card.hear(wupa).size() == 16);
  select(card);
  CHECK(card.hear(wupa).empty());
  CHECK(card.state() == CardState::idle);
}

TEST_CASE("a card that was halted falls back to halt, not to idle", "[card_model]") {
  CardModel card = powered(ten_bytes);
  CHECK_FALSE(card.hear(wupa).empty());
  select(card);
  CHECK(card.hear(halt).empty());
  CHECK_FALSE(card.hear(wupa).empty());
  CHECK(card.hear(reqa).empty());  // Ready does not hear requests.
  CHECK(card.state() == CardState::halt);
}

TEST_CASE("a card without power hears nothing and forgets", "[card_model]") {
  CardModel card = powered(four_bytes);
  CHECK_FALSE(card.hear(wupa).empty());
  card.power(false);
  CHECK(card.hear(wupa).empty());
  card.power(true);
  CHECK(card.state() == CardState::idle);
}

TEST_CASE("a card that is not meant by a selection keeps silent", "[card_model]") {
  CardModel card = powered(four_bytes);
  CHECK_FALSE(card.hear(wupa).empty());
  const iso14443::Part other{1, 2, 3, 4, 4};
  CHECK(card.hear(to_bits(iso14443::select_frame(0, other))).empty());
  CHECK(card.state() == CardState::idle);
  CHECK_FALSE(card.hear(wupa).empty());
  CHECK(card.hear(to_bits(iso14443::anticollision_frame(1))).empty());
  CHECK(card.state() == CardState::idle);
}

TEST_CASE("a card told some bits of its UID answers with the rest", "[card_model]") {
  CardModel card = powered(four_bytes);
  const Bits all = to_bits(std::array<std::uint8_t, 5>{0xDE, 0xAD, 0xBE, 0xEF, 0x22});
  for (std::size_t known = 0; known < 32; ++known) {
    card.power(true);
    CHECK_FALSE(card.hear(wupa).empty());
    const auto nvb = static_cast<std::uint8_t>(((2 + known / 8) << 4U) | (known % 8));
    Bits frame = to_bits(std::array<std::uint8_t, 2>{0x93, nvb});
    frame.insert(frame.end(), all.begin(), all.begin() + static_cast<long>(known));
    const Bits rest{all.begin() + static_cast<long>(known), all.end()};
    CHECK(card.hear(frame) == rest);
    if (known == 0) continue;
    frame.back() = !frame.back();
    CHECK(card.hear(frame).empty());
  }
}

}  // namespace
}  // namespace tapd::drivers::sim
