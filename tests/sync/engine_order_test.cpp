// The engine with its outcomes handed over one by one: what matters is which came first.
#include <map>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "sync/engine.hpp"
#include "sync/wire.hpp"
#include "tests/sync/memory_books.hpp"
#include "tests/sync/samples.hpp"
#include "tests/sync/venue.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;

const std::string snapshot_path = endpoint::snapshot("bar-1");

/// An engine whose requests wait until the test answers them.
class Desk {
 public:
  Desk() : engine{options(), books, always_longest()} {
    for (std::uint64_t guest = 1; guest <= 3; ++guest) venue.add_guest(guest, 10'000);
    look(0s);
    answer(endpoint::register_controller);
  }

  /// Lets time pass and the engine start what is due.
  void look(std::chrono::milliseconds when) {
    now = when;
    for (Outgoing& outgoing : engine.due(at(now))) {
      waiting.emplace(outgoing.request.path, std::move(outgoing));
    }
  }
  /// Takes the oldest waiting request for that path.
  Outgoing take(const std::string& path) {
    const auto found = waiting.find(path);
    REQUIRE(found != waiting.end());
    Outgoing outgoing = std::move(found->second);
    waiting.erase(found);
    return outgoing;
  }
  void hand(const Outgoing& outgoing, const HttpOutcome& outcome) {
    engine.on_outcome(outgoing.id, outcome, at(now));
    look(now);
  }
  /// The venue answers the oldest waiting request for that path.
  void answer(const std::string& path) {
    const Outgoing outgoing = take(path);
    hand(outgoing, venue.answer(outgoing.request));
  }
  void fail(const std::string& path) { hand(take(path), HttpResponse{500, {}, "oops"}); }
  /// A pour is written and sent at once, alone.
  void pour_now(std::uint64_t number) {
    model::Pour row = pour(number);
    row.begin.authorized_by = model::AuthorizedBy::server;
    books.add(row);
    engine.pours_waiting();
    look(now + 10s);
  }

  static EngineOptions options() {
    EngineOptions chosen;
    chosen.controller_id = "bar-1";
    chosen.token = "secret";
    chosen.batch_size = 1;
    chosen.snapshot_interval = 5min;
    chosen.register_interval = 1h;
    return chosen;
  }

  MemoryBooks books;
  Venue venue;
  Engine engine;
  std::multimap<std::string, Outgoing> waiting;
  std::chrono::milliseconds now{};
};

TEST_CASE("a late balance does not replace one from a snapshot asked for after it", "[engine]") {
  Desk desk;
  desk.answer(snapshot_path);
  desk.look(5min - 1s);
  desk.engine.ask({1, card(1), model::TapId{1}}, at(desk.now));
  desk.look(desk.now);
  const Outgoing late = desk.take(endpoint::authorize);
  const HttpResponse old = desk.venue.answer(late.request);
  desk.venue.change_balance(1, -9'000);  // Spent at another controller's tap.
  desk.look(5min);
  SECTION("the snapshot was applied meanwhile") {
    desk.answer(snapshot_path);
    desk.hand(late, old);
    CHECK(desk.books.heard.empty());
    CHECK(desk.books.available(1) == model::Money{1'000});
  }
  SECTION("a later ask of the same card was answered meanwhile") {
    desk.engine.ask({2, card(1), model::TapId{1}}, at(desk.now));
    desk.look(desk.now);
    desk.answer(endpoint::authorize);
    desk.hand(late, old);
    CHECK(desk.books.heard.size() == 1);
    CHECK(desk.books.available(1) == model::Money{1'000});
  }
  SECTION("only another card was answered meanwhile") {
    desk.engine.ask({2, card(2), model::TapId{2}}, at(desk.now));
    desk.look(desk.now);
    desk.answer(endpoint::authorize);
    desk.hand(late, old);
    CHECK(desk.books.heard.size() == 2);
  }
}

// Found by reading: between two verdicts all questions have one marker, and what came last counted.
TEST_CASE("a slow snapshot does not replace a balance that was asked for after it", "[engine]") {
  Desk desk;
  desk.answer(snapshot_path);
  desk.venue.knows_since = GENERATE(true, false);
  desk.venue.change_balance(1, -9'990);
  desk.look(5min);
  const Outgoing slow = desk.take(snapshot_path);
  const HttpResponse drawn = desk.venue.answer(slow.request);
  SECTION("the guest has paid in meanwhile") {
    desk.venue.change_balance(1, 5'000);
    desk.engine.ask({1, card(1), model::TapId{1}}, at(desk.now));
    desk.look(desk.now);
    desk.answer(endpoint::authorize);
    REQUIRE(desk.books.available(1) == model::Money{5'010});
    desk.hand(slow, drawn);
    CHECK(desk.books.available(1) == model::Money{5'010});
    CHECK(desk.books.available(2) == model::Money{10'000});
  }
  SECTION("nobody has asked meanwhile") {
    desk.hand(slow, drawn);
    CHECK(desk.books.available(1) == model::Money{10});
  }
  // The next one is younger.
  desk.venue.change_balance(1, 7);
  desk.look(desk.now + 5min);
  desk.answer(snapshot_path);
  CHECK(desk.books.available(1)->minor_units() == desk.venue.balances.at(guest_uuid(1)));
}

TEST_CASE("a settlement's late answer does not replace a balance that was asked for after it",
          "[engine]") {
  Desk desk;
  // A server that may have snapshots or not: rows are settled until that is sure.
  desk.hand(desk.take(snapshot_path), HttpResponse{500, {}, ""});
  desk.books.add(pour(1, 2));
  desk.engine.pours_waiting();
  desk.look(desk.now + 10s);
  const Outgoing settling = desk.take(endpoint::authorize);
  const HttpResponse old = desk.venue.answer(settling.request);
  desk.venue.change_balance(2, -9'000);  // Spent at another controller's tap.
  SECTION("a snapshot was applied meanwhile") {
    desk.look(desk.now + 5min);
    desk.answer(snapshot_path);
    REQUIRE(desk.books.available(2) == model::Money{1'000 - 516});
    desk.hand(settling, old);
    CHECK(desk.books.available(2) == model::Money{1'000 - 516});
  }
  SECTION("the guest's other card was authorized meanwhile") {
    desk.venue.hand_on(3, 2);
    desk.engine.ask({1, card(3), model::TapId{3}}, at(desk.now));
    desk.look(desk.now);
    desk.answer(endpoint::authorize);
    REQUIRE(desk.books.available(2) == model::Money{1'000 - 516});
    desk.hand(settling, old);
    CHECK(desk.books.available(2) == model::Money{1'000 - 516});
  }
}

TEST_CASE("the marker of a balance is the one from before its request", "[engine]") {
  Desk desk;
  desk.answer(snapshot_path);
  desk.books.add(pour(1, 1));
  desk.engine.pours_waiting();
  desk.engine.ask({1, card(1), model::TapId{1}}, at(desk.now));
  desk.look(desk.now);
  const Outgoing asked = desk.take(endpoint::authorize);
  const HttpResponse before_the_pour = desk.venue.answer(asked.request);
  desk.answer(endpoint::pours);
  desk.hand(asked, before_the_pour);
  // The balance heard does not contain the pour, although the pour is confirmed by now.
  CHECK(desk.books.available(1) == model::Money{10'000 - 516});
}

// Found by reading: staff booked it at the venue by then, and the guest paid twice.
TEST_CASE("a pour that staff park while its authorization is asked for is not sent", "[engine]") {
  Desk desk;
  desk.venue.has_snapshot = false;
  desk.venue.demands_leave = true;
  desk.answer(snapshot_path);
  model::Pour row = pour(1);
  row.begin.start = at(0s);
  desk.books.add(row);
  desk.engine.pours_waiting();
  desk.look(10s);
  const Outgoing asked = desk.take(endpoint::authorize);
  const HttpResponse allowed = desk.venue.answer(asked.request);
  const bool denied = GENERATE(true, false);
  REQUIRE(desk.books.apply_verdicts(
      {{tx(1), storage::Verdict::Kind::spend_attempt, "parked", "by ann: booked by hand"}}, 1,
      at(desk.now), at(desk.now)));
  desk.engine.given_up(card(1), model::TapId{1}, at(desk.now));
  const HttpResponse no{403, {}, R"({"detail":{"reason":"insufficient_funds","message":"no"}})"};
  desk.hand(asked, denied ? no : allowed);
  for (int second = 0; second < 60; ++second) {
    while (desk.waiting.contains(endpoint::pours)) desk.answer(endpoint::pours);
    while (desk.waiting.contains(endpoint::authorize)) desk.answer(endpoint::authorize);
    desk.look(desk.now + 1s);
  }
  CHECK(desk.venue.booked.empty());
  CHECK(desk.venue.noted.empty());
  CHECK(desk.venue.locks.empty());
  CHECK(desk.books.rows().at(tx(1)).status == model::PourStatus::failed);
  CHECK(desk.books.rows().at(tx(1)).outcome == "parked");
}

TEST_CASE("a row is at fault for a 500 only while everything else goes well", "[engine]") {
  Desk desk;
  desk.pour_now(1);
  desk.fail(endpoint::pours);
  desk.look(desk.now + 10s);
  desk.fail(endpoint::pours);  // Aside.
  desk.pour_now(2);
  desk.answer(endpoint::pours);
  REQUIRE(desk.books.rows().at(tx(2)).status == model::PourStatus::confirmed);
  desk.fail(endpoint::pours);  // The first again, between neighbours.
  SECTION("it spends an attempt when the next neighbour goes through") {
    desk.answer(snapshot_path);
    desk.pour_now(3);
    desk.answer(endpoint::pours);
    CHECK(desk.books.rows().at(tx(1)).attempts == 1);
  }
  SECTION("it does not when another request failed as well") {
    desk.fail(snapshot_path);
    desk.pour_now(3);
    desk.answer(endpoint::pours);
    CHECK(desk.books.rows().at(tx(1)).attempts == 0);
  }
}

TEST_CASE("a status that a snapshot overtook does not lift the emergency stop", "[engine]") {
  Desk desk;
  desk.fail(snapshot_path);
  desk.look(10s);
  const Outgoing status = desk.take(endpoint::system_status);
  const HttpResponse all_clear = desk.venue.answer(status.request);
  desk.venue.emergency_stop = true;
  desk.look(1h);
  desk.answer(snapshot_path);
  desk.hand(status, all_clear);
  std::vector<bool> told;
  for (const Notice& notice : desk.engine.take_notices()) {
    if (const auto* const stop = std::get_if<EmergencyStop>(&notice)) told.push_back(stop->on);
  }
  CHECK(told == std::vector{true});
}

// Found by reading: the snapshot was drawn up before the stop, and came after the word of it.
TEST_CASE("a snapshot asked for before a status does not lift the emergency stop", "[engine]") {
  Desk desk;
  desk.fail(snapshot_path);
  desk.look(1h);
  const Outgoing slow = desk.take(snapshot_path);
  const HttpResponse all_clear = desk.venue.answer(slow.request);
  desk.venue.emergency_stop = true;
  desk.answer(endpoint::system_status);
  desk.hand(slow, all_clear);
  const auto told = [&desk] {
    std::vector<bool> stops;
    for (const Notice& notice : desk.engine.take_notices()) {
      if (const auto* const stop = std::get_if<EmergencyStop>(&notice)) stops.push_back(stop->on);
    }
    return stops;
  };
  CHECK(told() == std::vector{true});
  REQUIRE(desk.books.snapshots.size() == 1);
  CHECK(emergency_stop(desk.books.snapshots.back()));  // As the ledger keeps it.
  SECTION("the next snapshot may") {
    desk.venue.emergency_stop = false;
    desk.look(1h + 5min);
    desk.answer(snapshot_path);
    CHECK(told() == std::vector{false});
  }
  SECTION("a snapshot that has not changed since may") {
    desk.look(1h + 5min);
    desk.hand(desk.take(snapshot_path), HttpResponse{304, {}, ""});
    CHECK(told() == std::vector{false});
  }
}

TEST_CASE("a 304 to a request without a condition is nonsense", "[engine]") {
  Desk desk;
  (void)desk.engine.take_notices();
  desk.hand(desk.take(snapshot_path), HttpResponse{304, {}, ""});
  const auto notices = desk.engine.take_notices();
  REQUIRE(notices.size() == 1);
  REQUIRE(std::holds_alternative<Nonsense>(notices[0]));
  CHECK(std::get<Nonsense>(notices[0]).endpoint == snapshot_path);
  CHECK(desk.books.unchanged == 0);
}

TEST_CASE("a snapshot that the ledger could not keep is asked for in full again", "[engine]") {
  Desk desk;
  desk.answer(snapshot_path);
  desk.look(5min);
  CHECK(desk.waiting.find(snapshot_path)->second.request.headers.contains("If-None-Match"));
  desk.venue.change_balance(1, 1);
  const Outgoing asked = desk.take(snapshot_path);
  desk.books.broken = storage::Error{storage::Error::Kind::full, "disk full"};
  desk.hand(asked, desk.venue.answer(asked.request));
  desk.books.broken.reset();
  desk.look(5min + 10s);
  CHECK_FALSE(desk.take(snapshot_path).request.headers.contains("If-None-Match"));
}

}  // namespace
}  // namespace tapd::sync
