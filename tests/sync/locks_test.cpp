// What must not stay behind at a server without snapshots: locks that no pour followed, and work
// that a run before this one began.
#include <algorithm>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "sync/settle_lane.hpp"
#include "tests/sync/engine_bar.hpp"
#include "tests/sync/ledger_books.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;
using model::PourStatus;

// Found by reading: the row of no volume waited for the lock, and the lock for the row.
TEST_CASE("a card that was laid on at one tap and poured nothing at another is free soon",
          "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.ask_at(5s, 1);
  model::Pour nothing = pour(1, 1);
  nothing.begin.tap_id = model::TapId{2};
  nothing.volume = nothing.tail = model::Volume{};
  nothing.price = model::Money{};
  bar.play.pour_at(9s, nothing);
  bar.play.run_until(10s);
  REQUIRE(bar.row(1).attempts == 1);
  REQUIRE(bar.venue.locks.size() == 1);
  bar.play.run_until(1min);
  CHECK(bar.venue.locks.empty());
  CHECK(bar.row(1).status == PourStatus::confirmed);
  CHECK(bar.row(1).attempts == 1);
}

// Found by reading: after the first spent attempt it was sent without leave, noted, and free.
TEST_CASE("a pour that staff send again is charged, also when its card is in use at first",
          "[locks]") {
  LedgerBooks books;
  Venue venue;
  venue.add_guest(1, 10'000);
  venue.has_snapshot = false;
  venue.demands_leave = true;
  Play play{1, books, venue, options()};
  books.add(online(1));
  REQUIRE(books.mark_sent({tx(1)}, at(1s)));
  REQUIRE(books.apply_verdicts(
      {{tx(1), storage::Verdict::Kind::final_failure, "rejected_insufficient_funds", "no money"}},
      10, at(1s), at(1s)));
  REQUIRE(books.ledger().send_again(tx(1), "anna", at(2s)));
  venue.locks[card(1).text()] = 7;
  play.run_until(10s);
  CHECK(books.rows().at(tx(1)).attempts == 1);
  venue.locks.clear();
  play.run_until(5min);
  CHECK(venue.noted.empty());
  CHECK(venue.booked.contains(tx(1).text()));
  CHECK(books.rows().at(tx(1)).status == PourStatus::confirmed);
  CHECK(venue.locks.empty());
}

TEST_CASE("a row that is taken out of the queue by hand leaves no lock behind", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.venue.locks[card(1).text()] = 1;
  bar.play.at_time(5s, [&bar] { bar.play.engine().given_up(card(1), model::TapId{1}, at(5s)); });
  bar.play.run_until(10s);
  CHECK(bar.venue.locks.empty());
}

TEST_CASE("a row that is taken out of the queue does not take the lock of a pour about to begin",
          "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.ask_at(5s, 1);
  const auto when = GENERATE(5'001ms, 5'100ms);
  bar.play.at_time(when, [&] { bar.play.engine().given_up(card(1), model::TapId{1}, at(when)); });
  bar.play.at_time(6s, [&] { bar.books.sessions = {{card(1), model::TapId{1}, 6s}}; });
  bar.play.run_until(1min);
  CHECK(bar.venue.locks.size() == 1);
}

TEST_CASE("the lock of a row that was given up is released after a kill, too", "[locks]") {
  StrictBar bar;
  model::Pour row = online(1);
  row.begin.start = at(0s);
  bar.books.add(row);
  for (int attempt = 0; attempt < 10; ++attempt) {
    REQUIRE(bar.books.mark_sent({tx(1)}, at(1s)));
    REQUIRE(bar.books.apply_verdicts({{tx(1), storage::Verdict::Kind::spend_attempt, "no", ""}}, 10,
                                     at(1s), at(1s)));
  }
  REQUIRE(bar.row(1).status == PourStatus::failed);
  bar.venue.locks[card(1).text()] = 1;
  bar.play.restart_at(2s);
  bar.play.run_until(10s);
  CHECK(bar.venue.locks.empty());
  CHECK(bar.play.breach().empty());
}

// Found by reading: only the memory knew of it.
TEST_CASE("a lock whose answer was lost in an outage is released after a restart, too", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.at_time(5s, [&] { bar.play.faults.lost_after = 1000; });
  bar.play.ask_at(5s + 1ms, 1);
  bar.play.at_time(6s, [&] { bar.play.faults.lost_after = 0; });
  bar.play.outages.push_back({6s, 2h, Outage::Kind::no_link});
  const int restarts = GENERATE(0, 1, 3);
  for (int i = 0; i < restarts; ++i) bar.play.restart_at(1min + i * 15s);
  bar.play.run_until(1h);
  REQUIRE(bar.venue.locks.size() == 1);
  bar.play.run_until(3h);
  CHECK(bar.venue.locks.empty());
  CHECK(bar.books.lock_notes == 2);  // That it is there, and that it is gone.
  CHECK(bar.books.left_behind(10)->noted.empty());
  CHECK(bar.play.breach().empty());
}

// Found by a profile: each was looked up every ten seconds, behind all rows of the outage.
TEST_CASE("what is known of a lock is seldom looked up in a long outage", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.at_time(5s, [&] { bar.play.faults.lost_after = 1000; });
  bar.play.ask_at(5s + 1ms, 1);
  bar.play.ask_at(5s + 2ms, 2);
  bar.play.outages.push_back({6s, 2h, Outage::Kind::no_link});
  bar.play.at_time(15s, [&] {  // A pour followed for one of them.
    model::Pour row = online(2);
    row.begin.start = at(15s);
    bar.books.add(row);
  });
  bar.play.run_until(10min);
  REQUIRE(bar.books.left_behind(10)->noted.size() == 1);
  const int before = bar.books.standings;
  bar.play.run_until(1h + 10min);
  CHECK(bar.books.standings - before <= 3);
}

TEST_CASE("a lock that was noted is no concern of a server with snapshots", "[locks]") {
  Bar bar;
  REQUIRE(bar.books.note_locks({{card(1), model::TapId{1}}}));
  bar.play.restart_at(1s);
  bar.play.run_until(1min);
  CHECK(bar.venue.requests[endpoint::authorize] == 0);
  CHECK(bar.books.left_behind(10)->noted.empty());
}

TEST_CASE("of the locks of a long outage the newest sixteen are noted", "[locks]") {
  StrictBar bar;
  for (std::uint64_t guest = 11; guest <= 30; ++guest) bar.venue.add_guest(guest, 10'000);
  bar.play.run_until(4s);
  bar.play.faults.lost_after = 1000;
  for (std::uint64_t guest = 1; guest <= 30; ++guest) bar.play.ask_at(5s + guest * 1ms, guest);
  bar.play.outages.push_back({6s, 2h, Outage::Kind::no_link});
  bar.play.run_until(10min);
  const auto noted = bar.books.left_behind(10)->noted;
  CHECK(noted.size() == SettleLane::most_noted);
  CHECK(std::find(noted.begin(), noted.end(),
                  storage::LeftBehind::Lock{card(30), model::TapId{1}}) != noted.end());
  CHECK(bar.books.lock_notes <= 3);
}

TEST_CASE("an evening without an outage notes hardly a lock", "[locks]") {
  StrictBar bar;
  bar.play.run_until(4s);
  for (std::uint64_t i = 0; i < 200; ++i) {
    Play::Visit visit{1 + i % 8, pour(i, 1 + i % 8), 15s, [](bool) {}};
    visit.pour.begin.tap_id = model::TapId{static_cast<std::int32_t>(1 + i % 8)};
    bar.play.visit_at(5s + std::chrono::seconds{5 * i}, visit);
    if (i % 10 == 0) bar.play.ask_at(7s + std::chrono::seconds{5 * i}, 10);
  }
  bar.play.run_until(30min);
  CHECK(bar.confirmed() > 150);
  // One waited until the pour of another guest at its tap was over.
  CHECK(bar.books.lock_notes <= 2);
}

TEST_CASE("a start waits for what the run before it may have left under way", "[locks]") {
  Bar bar;
  bar.venue.has_snapshot = GENERATE(true, false);
  const bool sent = GENERATE(true, false);
  bar.books.add(online(1));
  bar.venue.locks[card(1).text()] = 1;
  if (sent) REQUIRE(bar.books.mark_sent({tx(1)}, at(0s)));
  bar.play.run_until(2'900ms);
  CHECK(bar.play.started(endpoint::pours) == (sent ? 0 : 1));
  bar.play.run_until(4s);
  CHECK(bar.confirmed() == 1);
}

// Found by reading: with `sell_offline = false` the guest was turned away for up to an hour.
TEST_CASE("a guest whose last row waits for its time is not turned away once it can go",
          "[locks]") {
  StrictBar bar;
  bar.venue.locks[card(1).text()] = 1;
  bar.venue.poison[tx(1).text()].rejections = 4;
  bar.play.pour_at(5s, online(1));
  bar.play.ask_at(150s, 1);
  bar.play.run_until(151s);
  CHECK(bar.row(1).status == PourStatus::confirmed);
  CHECK(bar.row(1).attempts == 4);
  CHECK(std::holds_alternative<Allowed>(bar.verdict()));
}

TEST_CASE("an impatient guest does not spend the attempts of a row", "[locks]") {
  StrictBar bar;
  bar.venue.locks[card(1).text()] = 1;
  bar.venue.poison[tx(1).text()].rejections = 1'000;
  bar.play.pour_at(5s, online(1));
  for (int ask = 0; ask < 50; ++ask) bar.play.ask_at(150s + ask * 1s, 1);
  bar.play.run_until(205s);
  CHECK(bar.row(1).attempts == 5);
  CHECK(bar.play.breach().empty());
}

/// A server with snapshots that locks cards; the guest has poured at tap 2.
struct LockingBar : Bar {
  explicit LockingBar(EngineOptions chosen = options()) : Bar{std::move(chosen)} {
    venue.locks_cards = true;
    play.run_until(4s);
    venue.locks[card(1).text()] = 2;
  }
  static model::Pour elsewhere(std::chrono::milliseconds began = 4s) {
    model::Pour row = online(1);
    row.begin.tap_id = model::TapId{2};
    row.begin.start = at(began);
    return row;
  }
};

// Found by reading: the server refused the card for a row that was our own to send.
TEST_CASE("a guest who goes to the next tap is not refused for a row that is still to be sent",
          "[locks]") {
  EngineOptions one_by_one = options();
  one_by_one.batch_size = 1;
  LockingBar bar{one_by_one};
  SECTION("it waits behind many others") {
    for (std::uint64_t row = 0; row < 300; ++row) bar.books.add(pour(100 + row, 2 + row % 8));
    bar.books.add(LockingBar::elsewhere());
    bar.play.ask_at(5s, 1);
    bar.play.run_until(6s);
    CHECK(std::holds_alternative<Allowed>(bar.verdict()));
    CHECK(bar.confirmed() < 100);
  }
  SECTION("it has just failed to go") {
    bar.play.outages = {{5s, 5s + 50ms, Outage::Kind::server_error}};
    bar.play.pour_at(5s, LockingBar::elsewhere());
    bar.play.ask_at(5s + 100ms, 1);
    bar.play.run_until(5s + 150ms);
    REQUIRE(bar.play.started(endpoint::pours) > 0);
    bar.play.run_until(10s);
    REQUIRE(bar.play.told_of<AuthorizeAnswered>().size() == 1);
    CHECK_FALSE(std::holds_alternative<Refused>(bar.verdict()));
  }
  CHECK(bar.venue.booked.contains(tx(1).text()));
  CHECK(bar.play.breach().empty());
}

TEST_CASE("a row that the server does not take yet keeps its guest away no longer than its lock",
          "[locks]") {
  LockingBar bar;
  bar.venue.poison[tx(1).text()].rejections = 1'000;
  bar.books.add(LockingBar::elsewhere());
  bar.play.ask_at(14min, 1);
  bar.play.run_until(15min);
  CHECK(std::holds_alternative<NoAnswer>(bar.verdict()));  // The cache decides.
  bar.venue.locks.clear();
  bar.play.ask_at(16min, 1);
  bar.play.run_until(17min);
  CHECK(std::holds_alternative<Allowed>(bar.verdict()));
}

// Found by reading: it was taken for the existing server, and told so in the journal.
TEST_CASE("a token that is refused for a while does not make a server one without snapshots",
          "[locks]") {
  Bar bar;
  bar.play.run_until(5s);
  bar.play.outages = {{6s, 30s, Outage::Kind::token}};
  bar.books.add(pour(1, 1));
  bar.play.run_until(2min);
  CHECK(bar.play.told_of<NoSnapshotHere>().empty());
  CHECK(bar.play.told_of<TokenRefused>().size() == 1);
  bar.venue.change_balance(3, -700);
  bar.play.run_until(2min + 5s);
  CHECK(bar.books.available(3) == model::Money{9'300});
}

}  // namespace
}  // namespace tapd::sync
