// Several cards in the field, and cards that contradict themselves. That one card is read, and what
// damage does to that, is in the tests of Mfrc522.
#include "drivers/type_a_field.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>

#include "drivers/mfrc522.hpp"
#include "tests/drivers/reader_bench.hpp"

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;
using sim::card_with_uid;
using sim::CardState;

struct Bench {
  explicit Bench(const std::vector<Uid>& uids = {}) {
    static_cast<void>(look());  // starts the chip
    for (const Uid& uid : uids) model.place(card_with_uid(uid));
  }
  Look look() {
    time.now += 50ms;
    return reader.look(time.now);
  }
  /// The names in the next look, which must be SeveralCards.
  std::vector<Uid> named() {
    const Look found = look();
    const auto* several = std::get_if<SeveralCards>(&found);
    REQUIRE(several != nullptr);
    std::vector<Uid> names;
    for (const auto& uid : {several->one, several->other}) {
      if (uid) names.push_back(*uid);
    }
    return names;
  }

  VirtualTime time;
  sim::Mfrc522Model model;
  ModelBus bus{model, time};
  Mfrc522 reader{bus, time.pacing()};
};

bool has(const std::vector<Uid>& uids, const Uid& uid) {
  return std::find(uids.begin(), uids.end(), uid) != uids.end();
}

TEST_CASE("two cards are named, on whichever level they differ", "[type_a]") {
  const auto pair = GENERATE(values<std::pair<Uid, Uid>>({
      {four_bytes, make_uid({0xDE, 0xAD, 0xBE, 0xEE})},
      {four_bytes, make_uid({0x5E, 0xAD, 0xBE, 0xEF})},
      {four_bytes, seven_bytes},
      {four_bytes, ten_bytes},
      {seven_bytes, make_uid({0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0x81})},
      {seven_bytes, ten_bytes},
      {ten_bytes, make_uid({0x04, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x99, 0xAB})},
  }));
  Bench bench{{pair.first, pair.second}};
  for (int i = 0; i < 20; ++i) {
    const auto named = bench.named();
    REQUIRE(named.size() == 2);
    REQUIRE(has(named, pair.first));
    REQUIRE(has(named, pair.second));
    REQUIRE(bench.model.state_of(pair.first) == CardState::halt);
    REQUIRE(bench.model.state_of(pair.second) == CardState::halt);
  }
  bench.model.remove(pair.second);
  const Look look = bench.look();
  REQUIRE(std::holds_alternative<CardSeen>(look));
  CHECK(std::get<CardSeen>(look).uid == pair.first);
}

TEST_CASE("two cards are named whichever bit of their UIDs differs", "[type_a]") {
  for (std::size_t bit = 0; bit < 32; ++bit) {
    CAPTURE(bit);
    Uid other = four_bytes;
    other.bytes[bit / 8] = static_cast<std::uint8_t>(other.bytes[bit / 8] ^ (1U << (bit % 8)));
    const auto named = Bench{{four_bytes, other}}.named();
    REQUIRE(named.size() == 2);
    CHECK(has(named, four_bytes));
    CHECK(has(named, other));
  }
}

TEST_CASE("of more cards than two, two are named", "[type_a]") {
  const std::vector<Uid> all{four_bytes, make_uid({0xDE, 0xAD, 0xBE, 0xEE}),
                             make_uid({0xDE, 0xAD, 0x3E, 0xEE}), seven_bytes, ten_bytes};
  const auto count = GENERATE(3, 4, 5);
  Bench bench{{all.begin(), all.begin() + count}};
  for (int i = 0; i < 5; ++i) {
    const auto named = bench.named();
    REQUIRE(named.size() == 2);
    CHECK_FALSE(named[0] == named[1]);
    CHECK(has(all, named[0]));
    CHECK(has(all, named[1]));
  }
}

TEST_CASE("copies of one UID that differ otherwise are several cards without names", "[type_a]") {
  Bench bench{{four_bytes}};
  auto copy = card_with_uid(four_bytes);
  copy.sak = 0x18;
  bench.model.place(copy);
  CHECK(bench.named().empty());
}

TEST_CASE("one card and a disturbance that looks like a collision: one name", "[type_a]") {
  // The answer after that to waking; of a part of 40 bits.
  for (std::size_t bit = 0; bit < 40; ++bit) {
    CAPTURE(bit);
    Bench bench{{four_bytes}};
    int answers = 0;
    bench.model.distort([&](sim::AirReply& reply) {
      if (++answers == 2) reply.collision = bit;
    });
    const auto named = bench.named();
    CHECK(named.size() <= 1);
    if (!named.empty()) CHECK(named[0] == four_bytes);
    bench.model.distort(nullptr);
    CHECK(std::holds_alternative<CardSeen>(bench.look()));
  }
}

TEST_CASE("an air that always collides ends the walk", "[type_a]") {
  const std::size_t at = GENERATE(0U, 1U, 7U, 31U, 39U);
  Bench bench{{seven_bytes}};
  bench.model.distort([&](sim::AirReply& reply) {
    if (reply.bits.size() > 16) reply.collision = std::min(at, reply.bits.size() - 1);
  });
  const auto begin = bench.time.now;
  CHECK(bench.named().empty());
  CHECK(bench.time.now - begin < 50ms + 150ms);
}

TEST_CASE("a card that leaves during the walk leaves several cards for this look", "[type_a]") {
  const Uid other = make_uid({0xDE, 0xAD, 0xBE, 0xEE});
  for (std::size_t bits = 17; bits < 160; ++bits) {
    CAPTURE(bits);
    Bench bench{{four_bytes, other}};
    bench.model.remove_all_after(bits);
    const Look look = bench.look();
    const bool refused =
        std::holds_alternative<SeveralCards>(look) || std::holds_alternative<Garbled>(look);
    REQUIRE(refused);
    if (const auto* several = std::get_if<SeveralCards>(&look)) {
      for (const auto& uid : {several->one, several->other}) {
        if (uid) CHECK((*uid == four_bytes || *uid == other));
      }
    }
    CHECK(std::holds_alternative<NobodyThere>(bench.look()));
  }
}

TEST_CASE("a reader that fails during the walk is trouble", "[type_a]") {
  const Uid other = make_uid({0xDE, 0xAD, 0xBE, 0xEE});
  std::size_t needed = 0;
  {
    Bench bench{{four_bytes, other}};
    const auto before = bench.bus.transfers();
    CHECK(bench.named().size() == 2);
    needed = bench.bus.transfers() - before;
  }
  // But for the last exchange, which sends the cards to sleep when all is known.
  std::size_t troubles = 0;
  for (std::size_t at = 0; at < needed; ++at) {
    CAPTURE(at, needed);
    Bench bench{{four_bytes, other}};
    const auto first = bench.bus.transfers();
    bench.bus.fails = [&](std::size_t number) { return number == first + at; };
    const Look look = bench.look();
    if (std::holds_alternative<ReaderTrouble>(look)) {
      ++troubles;
    } else {
      REQUIRE(std::holds_alternative<SeveralCards>(look));
      CHECK(bench.reader.health().incidents == 1);
    }
    bench.bus.fails = nullptr;
    CHECK(bench.named().size() == 2);
  }
  CHECK(troubles > needed / 2);
}

/// The notes that name an ATQA.
std::size_t contradictions(Mfrc522& reader) {
  const auto notes = reader.take_notes();
  return static_cast<std::size_t>(
      std::count_if(notes.begin(), notes.end(), [](const ReaderNote& note) {
        return note.text.find("tells another size") != std::string::npos;
      }));
}

TEST_CASE("an ATQA that contradicts the UID's size is told once, and the card read", "[type_a]") {
  const Uid uid = GENERATE(four_bytes, seven_bytes, ten_bytes);
  const auto first = GENERATE(as<std::uint8_t>{}, 0x04, 0x44, 0x84, 0xC4);
  auto card = card_with_uid(uid);
  const bool agrees = card.atqa[0] == first;
  card.atqa[0] = first;
  Bench bench;
  bench.model.place(card);
  for (int i = 0; i < 10; ++i) REQUIRE(std::holds_alternative<CardSeen>(bench.look()));
  CHECK(contradictions(bench.reader) == (agrees ? 0U : 1U));
  for (int i = 0; i < 10; ++i) REQUIRE(std::holds_alternative<CardSeen>(bench.look()));
  CHECK(contradictions(bench.reader) == 0);
}

// What every look costs the bus, all day: that cards can be told apart must not make one card
// dearer. Each exchange is begun with 7 transfers and collected with 2 (silence) or 4, one setting
// is checked a look, and the field after silence; the rest is asking whether the chip is ready.
TEST_CASE("a look needs no more transfers than its exchanges do", "[type_a]") {
  Bench bench;
  std::size_t looks_at_chip = 0;
  bench.bus.meddle_out = [&](std::size_t, const std::vector<std::uint8_t>& tx) {
    if (tx[0] == 0x88) ++looks_at_chip;  // Address 04, ComIrq, reading.
  };
  const auto transfers_of_look = [&] {
    const auto before = bench.bus.transfers();
    looks_at_chip = 0;
    static_cast<void>(bench.look());
    return bench.bus.transfers() - before - looks_at_chip;
  };
  CHECK(transfers_of_look() == 1 + (7 + 2) + 1);
  bench.model.place(card_with_uid(four_bytes));
  bench.time.now += 10ms;
  // Waking, the part and its selection; being sent to sleep is obeyed in silence.
  CHECK(transfers_of_look() == 1 + 3 * (7 + 4) + (7 + 2));
}

}  // namespace
}  // namespace tapd::drivers
