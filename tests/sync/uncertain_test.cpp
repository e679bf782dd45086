// Guests who lay a card on while it is uncertain what became of something before.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "storage/row_words.hpp"
#include "sync/grants.hpp"
#include "tests/sync/engine_bar.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;

// Found by reading: for as long as the lane waited for its next try, minutes, the guests of that
// tap were left to the cache.
TEST_CASE("a settlement without an answer holds up its tap for seconds", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.outages = {{4500ms, 10min, Outage::Kind::black_hole}};
  bar.play.pour_at(4600ms, pour(1));
  const auto after = GENERATE(10s, 30s, 60s);
  bar.play.ask_at(10min + after - 8s, 2);  // Finds the server back.
  bar.play.ask_at(10min + after, 2);
  bar.play.run_until(10min + after + 1s);
  CHECK(std::holds_alternative<Allowed>(bar.verdict()));
}

// Found by reading: its row was sent to a server that is known to be there only, and nobody looked.
TEST_CASE("a guest whose row waits for the server has it looked for", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.outages = {{4500ms, 20min, Outage::Kind::black_hole}};
  bar.play.pour_at(5s, online(1));
  bar.play.ask_at(20min + 1s, 1);
  bar.play.ask_at(20min + 9s, 1);
  bar.play.run_until(20min + 10s);
  CHECK(bar.row(1).status == model::PourStatus::confirmed);
  CHECK(std::holds_alternative<Allowed>(bar.verdict()));
}

// Found by reading: the lock of the second was forgotten with the failure of the first.
TEST_CASE("that one question made no lock says nothing of the next one", "[locks]") {
  constexpr model::TapId tap{1};
  Grants grants;
  grants.asked(card(1), tap, 1s, 1);
  grants.asked(card(1), tap, 3s, 2);
  SECTION("whose answer is under way") {
    grants.refused(card(1), tap, 1, 13s);
    grants.heard(card(1), tap, 14s);
  }
  SECTION("whose answer was heard") {
    grants.heard(card(1), tap, 14s);
    grants.refused(card(1), tap, 1, 13s);
  }
  REQUIRE(grants.find(card(1), tap) != nullptr);
  CHECK(grants.find(card(1), tap)->sure);
  grants.refused(card(1), tap, 2, 20s);
  CHECK(grants.find(card(1), tap) == nullptr);
}

// Found by reading: the pour that began since the question was taken to pay with its lock, and was
// parked.
TEST_CASE("a lost lock goes with the row that staff park, though its question is still watched",
          "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.at_time(5s, [&] { bar.play.faults.lost_after = 1000; });
  bar.play.ask_at(5s + 1ms, 1);
  bar.play.outages = {{6s, 5min, Outage::Kind::no_link}};
  model::Pour row = pour(1);
  row.duration = 2s;
  bar.play.pour_at(9s, row);
  bar.play.at_time(15s, [&] {
    bar.play.faults.lost_after = 0;
    REQUIRE(bar.books.mark_sent({tx(1)}, at(15s)));
    REQUIRE(bar.books.apply_verdicts(
        {{tx(1), storage::Verdict::Kind::spend_attempt, storage::parked, ""}}, 1, at(15s),
        at(15s)));
    bar.play.engine().given_up(card(1), model::TapId{1}, at(15s));
  });
  bar.play.run_until(4min);
  REQUIRE(bar.venue.locks.size() == 1);
  bar.play.run_until(10min);
  CHECK(bar.venue.locks.empty());
  CHECK(bar.venue.booked.empty());
}

// Found by reading: it was taken up when it had been decided for good what to do with it.
TEST_CASE("what the run before left is released, however late the ledger can be read", "[locks]") {
  StrictBar bar;
  REQUIRE(bar.books.note_locks({{card(1), model::TapId{1}}}));
  bar.venue.locks[card(1).text()] = 1;
  bar.books.left_behind_fails = true;
  bar.play.restart_at(1s);
  bar.play.at_time(15s, [&] { bar.books.left_behind_fails = false; });
  bar.play.run_until(3min);
  CHECK(bar.venue.locks.empty());
}

// A row or a release that somebody on the way answered, and that reached the server all the same.
Outage overdue(std::chrono::milliseconds from, std::chrono::milliseconds late) {
  return {from,
          from + 200ms,
          Outage::Kind::overdue,
          HttpResponse{200, {}, "Please log in"},
          endpoint::pours,
          late};
}

// Found by 12,000 schedules: it took the lock of the pour that had begun meanwhile, which was noted
// for staff and charged to nobody.
TEST_CASE("a settlement that reaches the server late takes no lock of a later pour", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.outages = {overdue(5s, 2s)};
  bar.play.pour_at(5s, pour(1));
  bar.play.visit_at(5300ms, {1, pour(2), 4s, [](bool) {}});
  bar.play.run_until(2min);
  CHECK(bar.confirmed() == 2);
  CHECK(bar.venue.booked.size() == 2);
  CHECK(bar.venue.noted.empty());
  CHECK(bar.play.breach().empty());
}

TEST_CASE("a release that reaches the server late takes no lock of a later pour", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.ask_at(5s, 1);
  bar.play.outages = {overdue(15s, 2s)};
  bar.play.visit_at(15300ms, {1, pour(2), 4s, [](bool) {}});
  bar.play.run_until(5min);
  CHECK(bar.confirmed() == 1);
  CHECK(bar.venue.booked.size() == 1);
  CHECK(bar.venue.noted.empty());
  CHECK(bar.venue.locks.empty());
}

// Found by reading: it was the last of all that had waited since.
TEST_CASE("the row of a guest at a tap is settled before all that wait", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.outages = {{5040ms, 1min, Outage::Kind::black_hole}};
  bar.play.pour_at(5s, pour(1));
  bar.play.at_time(10s, [&] {
    for (std::uint64_t n = 2; n <= 400; ++n) bar.books.add(pour(n, 2 + n % 8));
  });
  for (std::chrono::milliseconds when = 1min; when < 70s; when += 1s) bar.play.ask_at(when, 1);
  bar.play.run_until(71s);
  CHECK(bar.confirmed() < 300);
  CHECK(bar.row(1).status == model::PourStatus::confirmed);
  CHECK(std::holds_alternative<Allowed>(bar.verdict()));
}

// Found by reading: the server refused the card for the lock that our own row had made.
TEST_CASE("a card whose row is in doubt is not asked for at another tap either", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.pour_at(5s, pour(1));
  bar.play.outages = {
      {.from = 5s, .until = 10s, .kind = Outage::Kind::black_hole, .only_path = endpoint::pours}};
  bar.play.at_time(15s, [&] { bar.books.begin(online(9, 2)); });  // Tap 1 is in use by now.
  model::Pour elsewhere = pour(2);
  elsewhere.begin.tap_id = model::TapId{2};
  bar.play.visit_at(40s, {1, elsewhere, 4s, [](bool) {}});
  bar.play.run_until(41s);
  CHECK(std::holds_alternative<NoAnswer>(bar.verdict()));
}

// Found by reading: whatever could be read, be it nothing, counted as released.
TEST_CASE("a release that the server did not get to is sent again", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.ask_at(5s, 1);
  const auto said = GENERATE(HttpResponse{200, {}, R"({"results": []})"},
                             HttpResponse{422, {}, R"({"detail": "no"})"});
  bar.play.outages = {{.from = 14s,
                       .until = 20s,
                       .kind = Outage::Kind::fixed,
                       .fixed = said,
                       .only_path = endpoint::pours}};
  bar.play.run_until(21s);
  REQUIRE(bar.venue.locks.size() == 1);
  bar.play.run_until(5min);
  CHECK(bar.venue.locks.empty());
}

// Found by reading: it was parked without asking whether it was booked, and booked by hand again.
TEST_CASE("who decides of a pour that was sent before its card was handed on is told so",
          "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  Outage answer_lost = overdue(5s, 10ms);
  answer_lost.fixed = tl::make_unexpected(TransportError{TransportError::Kind::other, "reset"});
  bar.play.outages = {answer_lost, {5200ms, 10min, Outage::Kind::no_link}};
  bar.play.pour_at(5s, pour(1));
  bar.play.at_time(5min, [&] { bar.venue.hand_on(1, 2); });
  bar.play.run_until(20min);
  const auto told = bar.play.told_of<PourNotBooked>();
  REQUIRE_FALSE(told.empty());
  CHECK(told.back().outcome == "guest_changed");
  CHECK(told.back().reason.find("look first whether the venue has booked it") != std::string::npos);
}

}  // namespace
}  // namespace tapd::sync
