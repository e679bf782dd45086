// A board without a battery clock: it boots in 1970, its clock jumps while a pour runs and while
// rows wait. Times end up right, and nothing that counts depends on the wall clock.
#include <catch2/catch_test_macros.hpp>

#include "tests/storage/bar.hpp"

using namespace tapd;
using namespace tapd::test;
using namespace std::chrono_literals;

namespace {

// The same instant on a clock that is off by `error`.
model::Moment wrong_by(std::int64_t second, std::chrono::milliseconds error, bool trusted) {
  model::Moment moment = at(second);
  moment.wall += error;
  moment.wall_trusted = trusted;
  return moment;
}

model::Moment in_1970(std::int64_t second) {
  return {std::chrono::seconds{second}, model::WallTime{std::chrono::seconds{second}}, false};
}

model::Pour only_due(storage::Ledger& ledger, const model::Moment& now) {
  const auto due = ledger.due_pours(10, now);
  REQUIRE(outcome(due) == "ok");
  REQUIRE(due->size() == 1);
  return due->front();
}

}  // namespace

TEST_CASE("a pour during which the clock is set is dated right once that is noted", "[clock]") {
  Bar bar;
  model::PourBegin begin = beginning(1);
  begin.start = in_1970(10);
  REQUIRE(outcome(bar.ledger().begin_pour(begin, this_boot)) == "ok");
  model::PourProgress half = progress(1, 50, 12);
  half.at = in_1970(12);
  REQUIRE(outcome(bar.ledger().record_progress(half)) == "ok");
  REQUIRE(outcome(bar.ledger().end_pour(ending(1, 100, 15))) == "ok");  // The clock is right now.
  REQUIRE(outcome(bar.ledger().note_clock(at(16), this_boot)) == "ok");
  const model::Pour pour = only_due(bar.ledger(), at(20));
  CHECK(pour.begin.start.wall == at(10).wall);
  CHECK(pour.end.wall == at(15).wall);
  CHECK(pour.begin.start.wall_trusted);
  CHECK(pour.duration == 5s);
  CHECK_FALSE(bar.ledger().verify_chain({}, 10)->broken);
}

TEST_CASE("a clock set forth and back while a pour runs does not change what it took", "[clock]") {
  for (const auto jump :
       {std::chrono::milliseconds{10 * 365 * 24h}, std::chrono::milliseconds{-10 * 365 * 24h}}) {
    Bar bar;
    REQUIRE(outcome(bar.ledger().begin_pour(beginning(1), this_boot)) == "ok");
    model::PourProgress half = progress(1, 50, 12);
    half.at = wrong_by(12, jump, false);
    REQUIRE(outcome(bar.ledger().record_progress(half)) == "ok");
    REQUIRE(outcome(bar.ledger().end_pour(ending(1, 100, 15))) == "ok");
    REQUIRE(outcome(bar.ledger().note_clock(at(16), this_boot)) == "ok");
    const model::Pour pour = only_due(bar.ledger(), at(20));
    CHECK(pour.duration == 5s);
    CHECK(pour.begin.start.wall == at(10).wall);
    CHECK(pour.end.wall == at(15).wall);
  }
}

// Found by reading: confirmed in 1970, they looked old as soon as the clock was set.
TEST_CASE("what was poured and confirmed in 1970 is as old as its corrected end", "[clock]") {
  Bar bar;
  model::PourBegin begin = beginning(1);
  begin.start = in_1970(10);
  model::PourEnd end = ending(1, 100, 15);
  end.last.at = in_1970(15);
  REQUIRE(outcome(bar.ledger().begin_pour(begin, this_boot)) == "ok");
  REQUIRE(outcome(bar.ledger().end_pour(end)) == "ok");
  REQUIRE(outcome(bar.ledger().mark_sent({pour_id(1)}, in_1970(20))) == "ok");
  REQUIRE(outcome(bar.ledger().apply_verdicts({verdict(1, storage::Verdict::Kind::confirmed)}, 10,
                                              in_1970(21), in_1970(30))) == "ok");
  pour(bar.ledger(), 2, 100);  // The chain's end is kept anyway.
  REQUIRE(outcome(bar.ledger().note_clock(at(60), this_boot)) == "ok");
  CHECK(bar.ledger().forget_confirmed(at(14).wall, 0, 10)->pours == 0);
  CHECK(bar.ledger().forget_confirmed(at(16).wall, 0, 10)->pours == 1);
}

// Found by reading: the evening of a board without network was forgotten the next morning, and what
// its guests had been served with it.
TEST_CASE("what was poured in a boot whose clock was never set is as old as what came after it",
          "[clock]") {
  constexpr std::chrono::milliseconds behind = -100 * 24h;
  const auto then = [behind](std::int64_t second) { return wrong_by(second, behind, false); };
  Bar bar;
  for (std::uint64_t number = 1; number <= 2; ++number) {
    model::PourBegin begin = beginning(number);
    begin.start = then(10);
    model::PourEnd end = ending(number, 100);
    end.last.at = then(15);
    REQUIRE(outcome(bar.ledger().begin_pour(begin, this_boot)) == "ok");
    REQUIRE(outcome(bar.ledger().note_serving(
                {pour_id(number), "Lager", model::Volume::millilitres(300), {}})) == "ok");
    REQUIRE(outcome(bar.ledger().end_pour(end)) == "ok");
    REQUIRE(outcome(bar.ledger().mark_sent({pour_id(number)}, then(20))) == "ok");
    REQUIRE(outcome(bar.ledger().apply_verdicts(
                {verdict(number, storage::Verdict::Kind::confirmed)}, 10, then(21), then(30))) ==
            "ok");
  }
  bar.reopen(next_boot);
  const auto forget = [&bar](model::WallTime before) {
    const auto gone = bar.ledger().forget_confirmed(before, 0, 10);
    REQUIRE(outcome(gone) == "ok");
    return gone->pours;
  };
  CHECK(forget(at(100).wall - 90 * 24h) == 0);
  pour(bar.ledger(), 3, 100);
  CHECK(forget(at(100).wall - 90 * 24h) == 0);
  CHECK(forget(at(15).wall) == 0);
  CHECK(forget(at(16).wall) == 2);
  bar.close();
  CHECK(bar.value("SELECT count(*) FROM servings") == "0");
}

TEST_CASE("rows that wait keep their times and their turn when the clock jumps", "[clock]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  REQUIRE(outcome(bar.ledger().mark_sent({pour_id(1)}, at(20))) == "ok");
  REQUIRE(outcome(bar.ledger().apply_verdicts({verdict(1, storage::Verdict::Kind::spend_attempt)},
                                              10, at(21), at(60))) == "ok");
  for (const auto jump :
       {std::chrono::milliseconds{20 * 365 * 24h}, std::chrono::milliseconds{-50 * 365 * 24h}}) {
    CHECK(bar.ledger().due_pours(10, wrong_by(59, jump, true))->empty());
    CHECK(only_due(bar.ledger(), wrong_by(60, jump, true)).begin.start.wall == at(10).wall);
  }
}
