#include "drivers/card_presence.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <chrono>
#include <random>

#include "presence_table.hpp"

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;

using namespace test;

TEST_CASE("a card arrives at the second look in a row that reads the same UID", "[presence]") {
  Table table;
  CHECK(table.look(CardSeen{anna}).empty());
  CHECK_FALSE(table.present());
  const auto events = table.look(CardSeen{anna});
  REQUIRE(events.size() == 1);
  CHECK(std::get<CardArrived>(events[0]).uid == anna);
  CHECK(table.present() == anna);
  CHECK(table.looks(100, CardSeen{anna}).empty());
}

TEST_CASE("a card that gives only broken answers is told once, with what was broken",
          "[presence]") {
  Table table;
  const Garbled broken{"wrong check byte of the UID"};
  CHECK(table.looks(9, broken).empty());
  const auto events = table.look(broken);
  REQUIRE(events.size() == 1);
  CHECK(std::get<CardRefused>(events[0]).why.find(broken.what) != std::string::npos);
  CHECK(table.looks(50, broken).empty());
  CHECK_FALSE(table.present());
  // Taken away and laid on anew, it is told anew.
  CHECK(table.looks(20, NobodyThere{}).empty());
  CHECK(table.looks(10, broken).size() == 1);
}

TEST_CASE("broken answers of a held card are not told as a refusal", "[presence]") {
  Table table;
  table.lay_down(anna);
  for (int i = 0; i < 20; ++i) {
    CHECK(table.looks(9, Garbled{"parity"}).empty());
    CHECK(table.look(CardSeen{anna}).empty());
  }
  CHECK(table.present() == anna);
}

TEST_CASE("looks that are not in a row do not add up to an arrival", "[presence]") {
  Table table;
  for (int i = 0; i < 20; ++i) {
    CHECK(table.look(CardSeen{anna}).empty());
    CHECK(table.look(Garbled{"parity"}).empty());
    CHECK(table.look(CardSeen{anna}).empty());
    CHECK(table.look(NobodyThere{}).empty());
    CHECK(table.look(CardSeen{anna}).empty());
    CHECK(table.look(CardSeen{bert}).empty());
  }
}

TEST_CASE("a card leaves after three silences in a row and a quarter of a second", "[presence]") {
  Table table;
  table.lay_down(anna);
  const auto last_good = table.now();
  CHECK(table.looks(5, NobodyThere{}).empty());  // 50 ms apart: the fifth ends 200 ms of silence.
  const auto events = table.look(NobodyThere{});
  REQUIRE(events.size() == 1);
  CHECK(std::get<CardLeft>(events[0]).uid == anna);
  CHECK(std::get<CardLeft>(events[0]).last_seen == last_good);
  CHECK_FALSE(table.present());
}

TEST_CASE("slow looks still need three silences", "[presence]") {
  Table table;
  table.lay_down(anna);
  CHECK(table.look(NobodyThere{}, 300ms).empty());
  CHECK(table.look(NobodyThere{}, 300ms).empty());
  CHECK(table.look(NobodyThere{}, 300ms).size() == 1);
}

TEST_CASE("a flickering card stays: silence must be in a row", "[presence]") {
  Table table;
  table.lay_down(anna);
  for (int i = 0; i < 50; ++i) {
    CHECK(table.looks(4, NobodyThere{}).empty());
    CHECK(table.look(CardSeen{anna}).empty());
  }
}

TEST_CASE("a card that answers every other look, as one left selected does, stays", "[presence]") {
  Table table;
  table.lay_down(anna);
  for (int i = 0; i < 100; ++i) {
    CHECK(table.look(NobodyThere{}).empty());
    CHECK(table.look(CardSeen{anna}).empty());
  }
  CHECK(table.present() == anna);
}

TEST_CASE("garbled answers are somebody, until the backstop", "[presence]") {
  Table table;
  table.lay_down(anna);
  const auto last_good = table.now();
  CHECK(table.looks(29, Garbled{"BCC"}).empty());  // 1450 ms
  const auto events = table.look(Garbled{"BCC"});  // 1500 ms
  REQUIRE(events.size() == 1);
  CHECK(std::get<CardLeft>(events[0]).last_seen == last_good);
}

TEST_CASE("garble between silences puts absence off, the backstop does not wait", "[presence]") {
  Table table;
  table.lay_down(anna);
  std::vector<PresenceEvent> events;
  int looks = 0;
  while (events.empty() && looks < 100) {
    events = table.look(looks % 3 == 2 ? Look{Garbled{"CRC"}} : Look{NobodyThere{}});
    ++looks;
  }
  REQUIRE(events.size() == 1);
  CHECK(std::holds_alternative<CardLeft>(events[0]));
  CHECK(looks == 30);
}

TEST_CASE("another UID ends the first presence at once and must prove itself", "[presence]") {
  Table table;
  table.lay_down(anna);
  const auto last_good = table.now();
  const auto first = table.look(CardSeen{bert});
  REQUIRE(first.size() == 1);
  CHECK(std::get<CardLeft>(first[0]).uid == anna);
  CHECK(std::get<CardLeft>(first[0]).last_seen == last_good);
  CHECK_FALSE(table.present());
  const auto second = table.look(CardSeen{bert});
  REQUIRE(second.size() == 1);
  CHECK(std::get<CardArrived>(second[0]).uid == bert);
}

TEST_CASE("two UIDs in turns never make a presence", "[presence]") {
  Table table;
  for (int i = 0; i < 50; ++i) {
    CHECK(table.look(CardSeen{anna}).empty());
    CHECK(table.look(CardSeen{bert}).empty());
  }
}

TEST_CASE("UIDs that differ only in their length are two cards", "[presence]") {
  Table table;
  Uid longer = anna;
  longer.size = 7;
  CHECK(table.look(CardSeen{anna}).empty());
  CHECK(table.look(CardSeen{longer}).empty());
  CHECK(table.look(CardSeen{longer}).size() == 1);
}

TEST_CASE("two cards are refused once until the field is clear", "[presence]") {
  Table table;
  CHECK(table.look(SeveralCards{}).empty());
  const auto told = table.look(SeveralCards{});
  REQUIRE(told.size() == 1);
  CHECK(std::get<CardRefused>(told[0]).why.find("one, please") != std::string::npos);
  CHECK(table.looks(100, SeveralCards{}).empty());
  CHECK(table.looks(3, NobodyThere{}).empty());
  CHECK(table.looks(10, SeveralCards{}).empty());  // 150 ms of silence is not yet a clear field.
  CHECK(table.looks(6, NobodyThere{}).empty());
  CHECK(table.looks(2, SeveralCards{}).size() == 1);
}

TEST_CASE("two cards that can be told apart are named by the ends of their UIDs", "[presence]") {
  Table table;
  const Uid white{.bytes = {0xDE, 0xAD, 0xBE, 0xEF}, .size = 4};
  const Uid black{.bytes = {0x04, 1, 2, 3, 4, 0x0A, 0x80}, .size = 7};
  static_cast<void>(table.look(SeveralCards{.one = white, .other = black}));
  const auto told = table.look(SeveralCards{.one = white, .other = black});
  REQUIRE(told.size() == 1);
  const std::string& why = std::get<CardRefused>(told[0]).why;
  CHECK(why == "several cards (..beef and ..0a80): one, please");
}

TEST_CASE("noise that looks like two cards for one look refuses nobody", "[presence]") {
  Table table;
  for (int i = 0; i < 20; ++i) {
    CHECK(table.look(SeveralCards{}).empty());
    CHECK(table.look(NobodyThere{}).empty());
  }
}

TEST_CASE("when one of two cards is taken away the other arrives", "[presence]") {
  Table table;
  CHECK(table.looks(3, SeveralCards{}).size() == 1);
  table.lay_down(bert);
  CHECK(table.present() == bert);
}

TEST_CASE("a second card beside the held one is unreadable, then refused", "[presence]") {
  Table table;
  table.lay_down(anna);
  CHECK(table.looks(5, SeveralCards{}).empty());
  CHECK(table.look(CardSeen{anna}).empty());  // The second card is gone again: nothing happened.
  CHECK(table.looks(29, SeveralCards{}).empty());
  const auto events = table.look(SeveralCards{});
  REQUIRE(events.size() == 2);
  CHECK(std::holds_alternative<CardLeft>(events[0]));
  CHECK(std::holds_alternative<CardRefused>(events[1]));
}

TEST_CASE("a random UID is refused in its own words and never arrives", "[presence]") {
  Table table;
  const UnusableCard phone{.uid = uid_of(0x08), .why = "random UID"};
  CHECK(table.look(phone).empty());
  const auto told = table.look(phone);
  REQUIRE(told.size() == 1);
  CHECK(std::get<CardRefused>(told[0]).why == "random UID");
  CHECK(table.looks(50, phone).empty());
  CHECK_FALSE(table.present());
}

TEST_CASE("an unusable card that answers cleanly ends the presence of another", "[presence]") {
  Table table;
  table.lay_down(anna);
  const auto events = table.look(UnusableCard{.uid = uid_of(0x08), .why = "random UID"});
  REQUIRE(events.size() == 1);
  CHECK(std::get<CardLeft>(events[0]).uid == anna);
}

TEST_CASE("reader trouble is told when it lasts a second, and its end once", "[presence]") {
  Table table;
  table.lay_down(anna);
  CHECK(table.looks(2, ReaderTrouble{"no bus"}).empty());
  CHECK(table.look(CardSeen{anna}).empty());
  CHECK(table.looks(20, ReaderTrouble{"no bus"}).empty());
  CHECK(table.present() == anna);
  const auto failed = table.look(ReaderTrouble{"no bus"});
  REQUIRE(failed.size() == 2);
  CHECK(std::get<CardLeft>(failed[0]).uid == anna);
  CHECK(std::get<ReaderFailed>(failed[1]).what == "no bus");
  CHECK(table.looks(50, ReaderTrouble{"no bus"}).empty());
  const auto back = table.look(NobodyThere{});
  REQUIRE(back.size() == 1);
  CHECK(std::holds_alternative<ReaderBack>(back[0]));
  CHECK(table.looks(50, NobodyThere{}).empty());
}

TEST_CASE("slow looks still need three troubles until the fault is told", "[presence]") {
  Table table;
  CHECK(table.look(ReaderTrouble{"no bus"}, 2s).empty());
  CHECK(table.look(ReaderTrouble{"no bus"}, 2s).empty());
  CHECK(table.look(ReaderTrouble{"no bus"}, 2s).size() == 1);
}

TEST_CASE("trouble is not silence: two troubles between silences keep the card", "[presence]") {
  Table table;
  table.lay_down(anna);
  for (int i = 0; i < 3; ++i) {
    CHECK(table.looks(4, NobodyThere{}).empty());
    CHECK(table.looks(2, ReaderTrouble{"lost its settings"}).empty());
  }
  CHECK(table.present() == anna);
}

TEST_CASE("a long pause between looks ends a presence even for the same card", "[presence]") {
  Table table;
  table.lay_down(anna);
  const auto last_good = table.now();
  CHECK(table.look(CardSeen{anna}, 1499ms).empty());
  const auto events = table.look(CardSeen{anna}, 1500ms);
  REQUIRE(events.size() == 1);
  CHECK(std::get<CardLeft>(events[0]).last_seen == last_good + 1499ms);
  const auto again = table.look(CardSeen{anna});
  REQUIRE(again.size() == 1);
  CHECK(std::get<CardArrived>(again[0]).uid == anna);
}

Look any_look(std::mt19937_64& random) {
  switch (std::uniform_int_distribution<int>{0, 9}(random)) {
    case 0:
      return Garbled{"CRC"};
    case 1:
      return SeveralCards{};
    case 2:
      return UnusableCard{.uid = uid_of(0x08), .why = "random UID"};
    case 3:
      return ReaderTrouble{"bus"};
    case 4:
    case 5:
    case 6:
      return CardSeen{anna};
    case 7:
      return CardSeen{bert};
    default:
      return NobodyThere{};
  }
}

// Whatever the field does: arrivals and departures alternate, a departure names the card that
// arrived, its last good look lies in the past, and nobody is present for long without one.
TEST_CASE("presence keeps its promises for any sequence of looks", "[presence]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    Table table;
    std::optional<Uid> there;
    std::optional<SinceBoot> last_good;
    for (int i = 0; i < 400; ++i) {
      const Look look = any_look(random);
      const auto wait = std::chrono::milliseconds{random() % 20 == 0 ? 400 : 40};
      for (const auto& event : table.look(look, wait)) {
        if (const auto* arrived = std::get_if<CardArrived>(&event)) {
          REQUIRE_FALSE(there);
          there = arrived->uid;
          last_good = table.now();
        } else if (const auto* left = std::get_if<CardLeft>(&event)) {
          REQUIRE(there == left->uid);
          REQUIRE(left->last_seen == last_good);
          there.reset();
        }
      }
      const auto* seen = std::get_if<CardSeen>(&look);
      if (there && seen != nullptr && seen->uid == *there) last_good = table.now();
      REQUIRE(table.present() == there);
      if (there) REQUIRE(table.now() - *last_good < 1500ms);
    }
  }
}

}  // namespace
}  // namespace tapd::drivers
