// Forgetting what was confirmed long ago: never what is owed, never what a balance still needs, and
// the chain stays whole.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/storage/bar.hpp"
#include "tests/storage/told.hpp"

using namespace tapd;
using namespace tapd::test;

namespace {

// Later than every pour of these tests.
const model::WallTime later = at(100'000).wall;

std::int64_t forget(storage::Ledger& ledger, std::size_t most = 100,
                    model::WallTime before = later) {
  std::int64_t forgotten = 0;
  std::int64_t after = 0;
  for (int batches = 0; batches < 100; ++batches) {
    const auto batch = ledger.forget_confirmed(before, after, most);
    REQUIRE(outcome(batch) == "ok");
    forgotten += batch->pours;
    after = batch->reached;
    if (!batch->more) break;
  }
  return forgotten;
}

void whole(storage::Ledger& ledger, std::int64_t rows) {
  const auto chain = ledger.verify_chain({}, 1'000);
  REQUIRE(outcome(chain) == "ok");
  CHECK_FALSE(chain->broken);
  CHECK(chain->rows == rows);
}

}  // namespace

TEST_CASE("what was served goes with its pour", "[upkeep]") {
  Bar bar;
  for (std::uint64_t number = 1; number <= 3; ++number) {
    REQUIRE(outcome(bar.ledger().begin_pour(beginning(number), this_boot)) == "ok");
    const storage::ServingNote note{pour_id(number), "Lager", model::Volume::millilitres(300), {}};
    REQUIRE(outcome(bar.ledger().note_serving(note)) == "ok");
    REQUIRE(outcome(bar.ledger().end_pour(ending(number, 100))) == "ok");
    confirm(bar.ledger(), number);
    CHECK(outcome(bar.ledger().note_serving(note)).starts_with("refused"));
  }
  CHECK(forget(bar.ledger()) == 2);
  bar.close();
  CHECK(bar.value("SELECT count(*) FROM servings") == "1");
}

TEST_CASE("confirmed pours go after their time, the end of the chain stays", "[upkeep]") {
  Bar bar;
  for (std::uint64_t number = 1; number <= 7; ++number) {
    pour(bar.ledger(), number, 100);
    confirm(bar.ledger(), number);
  }
  CHECK(forget(bar.ledger(), 100, at(1).wall) == 0);
  CHECK(forget(bar.ledger(), 2) == 6);
  whole(bar.ledger(), 1);
  CHECK(forget(bar.ledger()) == 0);
  pour(bar.ledger(), 8, 100);
  whole(bar.ledger(), 2);
  bar.reopen();
  whole(bar.ledger(), 2);
}

TEST_CASE("a walk along the chain goes on when the row it stood on was forgotten", "[upkeep]") {
  const std::uint64_t owed = GENERATE(0U, 3U);  // A row before it that is kept, or none.
  Bar bar;
  for (std::uint64_t number = 1; number <= 9; ++number) {
    pour(bar.ledger(), number, 100);
    if (number != owed) confirm(bar.ledger(), number);
  }
  const auto first = bar.ledger().verify_chain({}, 5);
  REQUIRE(outcome(first) == "ok");
  CHECK(forget(bar.ledger()) == (owed == 0 ? 8 : 7));
  const auto rest = bar.ledger().verify_chain(first->reached, 100);
  REQUIRE(outcome(rest) == "ok");
  CHECK_FALSE(rest->broken);
  CHECK(rest->reached.chain_no == 9);
}

TEST_CASE("what is owed is never forgotten, and does not keep the rest", "[upkeep]") {
  Bar bar;
  for (std::uint64_t number = 1; number <= 9; ++number) {
    pour(bar.ledger(), number, 100);
    if (number % 3 != 0) confirm(bar.ledger(), number);
  }
  CHECK(forget(bar.ledger(), 2) == 6);
  CHECK(bar.ledger().due_pours(10, at(50))->size() == 3);
  whole(bar.ledger(), 3);
  confirm(bar.ledger(), 6);
  CHECK(forget(bar.ledger()) == 1);
  whole(bar.ledger(), 2);
}

TEST_CASE("a confirmed pour that the cached balance lacks is kept", "[upkeep]") {
  Bar bar;
  hear(bar.ledger(), small_snapshot(5000));
  for (std::uint64_t number = 1; number <= 3; ++number) {
    pour(bar.ledger(), number, 100);
    confirm(bar.ledger(), number);
  }
  const model::Money before = facts(bar.ledger()).available;
  CHECK(forget(bar.ledger()) == 0);
  CHECK(facts(bar.ledger()).available == before);
  hear(bar.ledger(), small_snapshot(before.minor_units()), *bar.ledger().ask_marker(), 40);
  CHECK(facts(bar.ledger()).available == before);
  CHECK(forget(bar.ledger()) == 2);
  CHECK(facts(bar.ledger()).available == before);
}

// Found by reading: on a server without snapshots no balance comes after the last pour, so it was
// kept for ever, and so was whoever had poured it.
TEST_CASE("a guest whose balance was heard alone is forgotten with the pours, once it is old",
          "[upkeep]") {
  Bar bar;
  authorize(bar.ledger(), 5'000);
  for (std::uint64_t number = 1; number <= 3; ++number) {
    pour(bar.ledger(), number, 100);
    confirm(bar.ledger(), number);
  }
  REQUIRE(outcome(bar.ledger().hear_balance(
              {card(2), guest(2), "Ben", model::Money{700}, *bar.ledger().ask_marker(), at(50)},
              this_boot)) == "ok");
  const auto forget_old = [&bar](std::int64_t second) {
    const auto gone = bar.ledger().forget_confirmed(later, 0, 100, at(second).wall);
    REQUIRE(outcome(gone) == "ok");
    return gone->pours;
  };
  CHECK(forget_old(6) == 0);  // A balance that still counts is kept, and what it lacks as well.
  CHECK(facts(bar.ledger()).available == model::Money{5'000 - 3 * 50});
  CHECK(forget_old(7) == 2);
  CHECK_FALSE(facts(bar.ledger()).card);
  CHECK_FALSE(facts(bar.ledger()).guest);
  CHECK(facts(bar.ledger(), 2).available == model::Money{700});
  authorize(bar.ledger(), 4'850, *bar.ledger().ask_marker(), 60);
  CHECK(facts(bar.ledger()).available == model::Money{4'850});
}

TEST_CASE("a guest who is owed for, or of whom a snapshot told, is not forgotten", "[upkeep]") {
  Bar bar;
  const auto forget_all = [&bar] {
    std::int64_t pours = 0;
    for (bool more = true; more;) {
      const auto gone = bar.ledger().forget_confirmed(later, 0, 1, later);
      REQUIRE(outcome(gone) == "ok");
      more = gone->more && gone->reached == 0;
      pours += gone->pours;
    }
    return pours;
  };
  SECTION("owed for") {
    authorize(bar.ledger(), 5'000);
    pour(bar.ledger(), 1, 100);
    CHECK(forget_all() == 0);
    CHECK(facts(bar.ledger()).guest);
  }
  SECTION("by a snapshot") {
    hear(bar.ledger(), small_snapshot());
    CHECK(forget_all() == 0);
    CHECK(facts(bar.ledger()).guest);
  }
  SECTION("heard at a time that nobody knows") {
    model::Moment unknown = at(6);
    unknown.wall_trusted = false;
    REQUIRE(bar.ledger().hear_balance({card(1), guest(1), "Ann", model::Money{5}, 0, unknown},
                                      this_boot));
    CHECK(forget_all() == 0);
    CHECK(facts(bar.ledger()).guest);
  }
  SECTION("a lost card stays lost") {
    authorize(bar.ledger(), 5'000);
    REQUIRE(bar.ledger().hear_card_status(card(1), model::CardStatus::lost, at(7)));
    CHECK(forget_all() == 0);
    REQUIRE(facts(bar.ledger()).card);
    CHECK(facts(bar.ledger()).card->status == model::CardStatus::lost);
    CHECK_FALSE(facts(bar.ledger()).guest);
  }
  SECTION("each a few at a time") {
    for (std::int64_t number = 1; number <= 5; ++number) {
      REQUIRE(bar.ledger().hear_balance(
          {card(number), guest(number), "Ann", model::Money{5}, 0, at(6)}, this_boot));
    }
    CHECK(forget_all() == 0);
    for (std::int64_t number = 1; number <= 5; ++number) {
      CHECK_FALSE(facts(bar.ledger(), number).card);
    }
  }
}

TEST_CASE("the state of the books changes with every pour and verdict, and not by looking",
          "[upkeep]") {
  Bar bar;
  const auto state = [&bar] { return *bar.ledger().state_of_books(); };
  const std::string empty = state();
  REQUIRE(outcome(bar.ledger().begin_pour(beginning(1), this_boot)) == "ok");
  CHECK(*bar.ledger().pour_open());
  const std::string begun = state();
  CHECK(begun != empty);
  REQUIRE(outcome(bar.ledger().end_pour(ending(1, 100))) == "ok");
  CHECK_FALSE(*bar.ledger().pour_open());
  const std::string ended = state();
  CHECK(ended != begun);
  confirm(bar.ledger(), 1);
  CHECK(state() != ended);
  CHECK(state() == state());
}
