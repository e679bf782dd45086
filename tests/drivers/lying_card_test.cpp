// A card that lies on the reader and that nobody has laid on.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

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

}  // namespace
}  // namespace tapd::drivers
