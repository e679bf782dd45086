// A card that lies on the reader and that nobody has laid on.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>

#include "presence_table.hpp"

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;
using namespace test;

TEST_CASE("a card that lay there before anybody could look was not laid on", "[presence]") {
  const auto arrived = [](const std::vector<PresenceEvent>& events) {
    REQUIRE_FALSE(events.empty());
    return std::get<CardArrived>(events.back());
  };
  SECTION("at the start") {
    Table table;
    CHECK(arrived(table.looks(2, CardSeen{anna})).lay_there);
    table.looks(6, NobodyThere{});
    CHECK_FALSE(arrived(table.looks(2, CardSeen{anna})).lay_there);
  }
  SECTION("where somebody looked first") {
    Table table;
    table.look(NobodyThere{});
    CHECK_FALSE(arrived(table.looks(2, CardSeen{anna})).lay_there);
  }
  // Found by reading: one look that a weak card missed made it one that was laid on.
  SECTION("at the start, though it misses a look, or is not read well at first") {
    const Look first = GENERATE(Look{CardSeen{anna}}, Look{Garbled{"a wrong check"}},
                                Look{ReaderTrouble{"no answer"}}, Look{SeveralCards{}},
                                Look{UnusableCard{.uid = uid_of(0x08), .why = "a random UID"}});
    const int missed = GENERATE(1, 2, 5);
    Table table;
    table.look(first);
    table.looks(missed, NobodyThere{});
    CHECK(arrived(table.looks(2, CardSeen{anna})).lay_there);
    table.looks(6, NobodyThere{});
    CHECK_FALSE(arrived(table.looks(2, CardSeen{anna})).lay_there);
  }
  SECTION("while the bus hung") {
    Table table;
    table.look(NobodyThere{});
    table.hang(20s);
    CHECK(arrived(table.looks(2, CardSeen{anna})).lay_there);
  }
  SECTION("while the bus hung, but not for long") {
    Table table;
    table.look(NobodyThere{});
    table.hang(1s);
    CHECK_FALSE(arrived(table.looks(2, CardSeen{anna})).lay_there);
  }
  SECTION("while the reader did not work, or could not read it") {
    const Look blind = GENERATE(Look{ReaderTrouble{"no answer"}}, Look{Garbled{"a wrong check"}});
    Table table;
    table.look(NobodyThere{});
    table.lay_down(anna);
    table.looks(40, blind);
    REQUIRE_FALSE(table.present());
    table.look(NobodyThere{});  // As after the field came on again.
    CHECK(arrived(table.looks(2, CardSeen{anna})).lay_there);
    table.looks(6, NobodyThere{});
    CHECK_FALSE(arrived(table.looks(2, CardSeen{anna})).lay_there);
  }
}

// The first look is the word for an empty field; whatever it hears outweighs what is missed later.
TEST_CASE("a card that lies there at the start and often misses a look is never one laid on",
          "[presence]") {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    Table table;
    table.look(CardSeen{anna});
    int missed = 0;
    for (int look = 0; look < 200; ++look) {
      // A quarter of a second of silence is a card that was taken away.
      missed = random() % 10 == 0 && missed < 5 ? missed + 1 : 0;
      const Look next = missed > 0 ? Look{NobodyThere{}} : Look{CardSeen{anna}};
      for (const PresenceEvent& event : table.look(next)) {
        const auto* arrived = std::get_if<CardArrived>(&event);
        if (arrived != nullptr) REQUIRE(arrived->lay_there);
      }
    }
    REQUIRE(table.present() == anna);
  }
}

}  // namespace
}  // namespace tapd::drivers
