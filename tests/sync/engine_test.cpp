#include "sync/engine.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/sync/engine_bar.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;
using model::PourStatus;
using std::chrono::milliseconds;

TEST_CASE("at the start the controller announces itself, then pulls and pushes", "[engine]") {
  Bar bar;
  bar.books.add(pour(1));
  bar.play.run_until(1s);
  CHECK(bar.play.breach().empty());
  CHECK(bar.play.told_of<ServerReachable>().size() == 1);
  CHECK(bar.play.started(endpoint::register_controller) == 1);
  REQUIRE(bar.play.told_of<SnapshotApplied>().size() == 1);
  CHECK(bar.play.told_of<SnapshotApplied>()[0].guests == 10);
  REQUIRE(bar.play.told_of<EmergencyStop>().size() == 1);
  CHECK_FALSE(bar.play.told_of<EmergencyStop>()[0].on);
  CHECK(bar.confirmed() == 1);
  CHECK(bar.play.told_of<PoursConfirmed>()[0].count == 1);
}

TEST_CASE("how long a pour took to be confirmed is told with it", "[engine]") {
  Bar bar;
  bar.play.outages.push_back({90s, 110s, Outage::Kind::no_link});
  bar.play.pour_at(100s, pour(1));
  bar.play.run_until(3min);
  const auto told = bar.play.told_of<PoursConfirmed>();
  REQUIRE(told.size() == 1);
  REQUIRE(told[0].after.size() == 1);
  CHECK(told[0].after[0] > 9s);
  CHECK(told[0].after[0] < 80s);
}

TEST_CASE("a quiet hour costs snapshots that are not modified and an announcement a minute",
          "[engine]") {
  Bar bar;
  bar.play.run_until(1h);
  CHECK(bar.play.told_of<SnapshotApplied>().size() == 6);  // In full every ten minutes.
  CHECK(bar.play.started(snapshot_path) > 1700);
  CHECK(bar.play.started(snapshot_path) <= 1801);
  CHECK(bar.books.unchanged > 1700);
  CHECK(bar.play.started(endpoint::register_controller) == 61);
  CHECK(bar.play.started(endpoint::pours) == 0);
  CHECK(bar.play.started(endpoint::system_status) == 0);
}

TEST_CASE("a thousand waiting rows go through in batches, one at a time", "[engine]") {
  Bar bar;
  for (std::uint64_t i = 0; i < 1000; ++i) bar.books.add(pour(i, 1 + i % 10));
  bar.play.run_until(30s);
  CHECK(bar.play.breach().empty());
  CHECK(bar.confirmed() == 1000);
  CHECK(bar.play.started(endpoint::pours) == 20);
  CHECK(bar.venue.booked.size() == 1000);
}

TEST_CASE("a row that poisons its batch is parked at the cap, its neighbours go through",
          "[engine]") {
  const auto status = GENERATE(400, 409, 422, 500);
  CAPTURE(status);
  EngineOptions chosen = options();
  chosen.attempt_cap = 3;
  Bar bar{chosen};
  bar.venue.poison[tx(500).text()].whole_status = status;
  for (std::uint64_t i = 0; i < 1000; ++i) bar.books.add(pour(i, 1 + i % 10));
  bar.play.run_until(10min);
  CHECK(bar.confirmed() == 999);
  CHECK(bar.play.started(endpoint::pours) <= 20 + 20 + 5);
  // Other pours come now and then.
  for (std::uint64_t i = 0; i < 60; ++i) {
    bar.play.pour_at(10min + std::chrono::minutes{2 * i}, pour(2000 + i));
  }
  bar.play.run_until(3h);
  CHECK(bar.confirmed() == 999 + 60);
  const RowState row = bar.books.rows().at(tx(500));
  CHECK(row.status == PourStatus::failed);
  CHECK(row.attempts == 3);
  CHECK(bar.attempts() == 3);
  const auto told = bar.play.told_of<PourNotBooked>();
  REQUIRE(told.size() == 3);
  CHECK_FALSE(told[0].final);
  CHECK_FALSE(told[1].final);
  CHECK(told[2].final);
}

TEST_CASE("a row turned down for now is sent again later and goes through", "[engine]") {
  Bar bar;
  bar.venue.poison[tx(1).text()].rejections = 3;
  bar.books.add(pour(1));
  bar.books.add(pour(2));
  bar.play.run_until(10s);
  CHECK(bar.confirmed() == 1);
  CHECK(bar.books.rows().at(tx(1)).attempts == 1);
  bar.play.run_until(10min);
  CHECK(bar.confirmed() == 2);
  CHECK(bar.books.rows().at(tx(1)).attempts == 3);
}

TEST_CASE("a final no is told at once and never sent again", "[engine]") {
  Bar bar;
  bar.venue.poison[tx(1).text()].outcome = "rejected_insufficient_funds";
  bar.books.add(pour(1));
  bar.play.run_until(1h);
  CHECK(bar.books.rows().at(tx(1)).status == PourStatus::failed);
  CHECK(bar.play.started(endpoint::pours) == 1);
  const auto told = bar.play.told_of<PourNotBooked>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].final);
  CHECK(told[0].outcome == "rejected_insufficient_funds");
}

TEST_CASE("a row that no server could take is parked without being sent", "[engine]") {
  Bar bar;
  model::Pour wild = pour(1);
  wild.price = model::Money{-5};
  bar.books.add(wild);
  bar.books.add(pour(2));
  bar.play.run_until(1s);
  CHECK(bar.books.rows().at(tx(1)).status == PourStatus::failed);
  CHECK(bar.confirmed() == 1);
  CHECK(bar.venue.booked.size() == 1);
  REQUIRE(bar.play.told_of<PourNotBooked>().size() == 1);
  CHECK(bar.play.told_of<PourNotBooked>()[0].outcome == "not_sendable");
}

TEST_CASE("an outage costs no attempt, is told once, and ends by itself", "[engine]") {
  using Kind = Outage::Kind;
  const auto kind = GENERATE(Kind::no_link, Kind::black_hole, Kind::unavailable, Kind::server_error,
                             Kind::web_page, Kind::token);
  CAPTURE(static_cast<int>(kind));
  Bar bar;
  bar.play.outages = {{10s, 3h, kind}};
  for (std::uint64_t i = 0; i < 40; ++i) {
    bar.play.pour_at(1s + std::chrono::minutes{4 * i}, pour(i, 1 + i % 10));
  }
  bar.play.run_until(3h - 1s);
  CHECK(bar.play.breach().empty());
  CHECK(bar.confirmed() < 2);
  CHECK(bar.attempts() == 0);
  const int tried = bar.play.started(endpoint::pours) +
                    bar.play.started(endpoint::register_controller) +
                    bar.play.started(snapshot_path) + bar.play.started(endpoint::system_status);
  CHECK(tried < 3 * 180 + 100);
  CHECK(bar.play.told_of<ServerUnreachable>().size() <= 1);
  CHECK(bar.play.told_of<TokenRefused>().size() <= 1);
  CHECK(bar.play.told_of<Nonsense>().size() <= 4);
  bar.play.run_until(3h + 15min);
  CHECK(bar.confirmed() == 40);
  CHECK(bar.attempts() == 0);
  CHECK(bar.play.told_of<PourNotBooked>().empty());
}

/// Half an hour in which every request gets this; then all must be well again by itself.
void check_recovery(const HttpOutcome& fixed) {
  Bar bar;
  bar.play.outages = {{10s, 30min, Outage::Kind::fixed, fixed}};
  for (std::uint64_t i = 0; i < 12; ++i) {
    bar.play.pour_at(1s + std::chrono::minutes{2 * i}, pour(i, 1 + i % 10));
  }
  bar.play.ask_at(5min, 1);
  bar.play.run_until(30min);
  const std::size_t snapshots = bar.books.snapshots.size();
  bar.play.run_until(90min);
  CHECK(bar.play.breach().empty());
  CHECK(bar.confirmed() == 12);
  CHECK(bar.books.snapshots.size() > snapshots);
}

TEST_CASE("no status, however strange, stops the engine for good", "[engine]") {
  const auto status = GENERATE(-1, 0, 100, 200, 204, 206, 301, 302, 304, 307, 400, 401, 402, 403,
                               404, 405, 408, 409, 410, 413, 418, 422, 425, 429, 431, 451, 500, 501,
                               502, 503, 504, 511, 520, 599, 600, 999);
  const auto* const body = GENERATE("", "{}", "<html></html>");
  CAPTURE(status, body);
  check_recovery(HttpResponse{status, {}, body});
}

TEST_CASE("no failure of the transport stops the engine for good", "[engine]") {
  using Kind = TransportError::Kind;
  const auto kind = GENERATE(Kind::no_link, Kind::timeout, Kind::tls, Kind::too_large,
                             Kind::cancelled, Kind::other);
  CAPTURE(static_cast<int>(kind));
  check_recovery(tl::make_unexpected(TransportError{kind, "as the test wants"}));
}

TEST_CASE("after an outage one small request goes first", "[engine]") {
  Bar bar;
  bar.play.outages = {{10s, 10min, Outage::Kind::no_link}};
  for (std::uint64_t i = 0; i < 200; ++i) bar.play.pour_at(20s, pour(i));
  bar.play.run_until(20s);
  const int before = bar.play.started(endpoint::pours);
  bar.play.run_until(10min);
  CHECK(bar.play.started(endpoint::pours) == before);
  bar.play.run_until(16min);
  CHECK(bar.confirmed() == 200);
  CHECK(bar.play.told_of<ServerReachable>().size() == 2);
}

TEST_CASE("a server without a snapshot is told once and asked for its emergency stop", "[engine]") {
  Bar bar;
  bar.venue.has_snapshot = false;
  bar.play.run_until(1h);
  CHECK(bar.play.told_of<NoSnapshotHere>().size() == 1);
  CHECK(bar.play.started(snapshot_path) <= 7);
  CHECK(bar.play.started(endpoint::system_status) > 1700);
  CHECK(bar.play.told_of<EmergencyStop>().size() == 1);
  bar.venue.emergency_stop = true;
  bar.play.run_until(1h + 3s);
  REQUIRE(bar.play.told_of<EmergencyStop>().size() == 2);
  CHECK(bar.play.told_of<EmergencyStop>()[1].on);
  CHECK(bar.books.states.size() == 2);
  CHECK(bar.books.states.back().value == "true");
  // That server moves `last_seen` only when the announced version changes.
  REQUIRE(bar.venue.versions.size() > 3);
  CHECK(bar.venue.versions[2] != bar.venue.versions[3]);
  CHECK(bar.venue.versions[2].size() <= 20);
}

TEST_CASE("an emergency stop by snapshot is told after the ledger has it", "[engine]") {
  Bar bar;
  bar.play.run_until(5s);
  bar.venue.emergency_stop = true;
  bar.play.run_until(8s);
  REQUIRE(bar.play.told_of<EmergencyStop>().size() == 2);
  CHECK(bar.play.told_of<EmergencyStop>()[1].on);
  CHECK(emergency_stop(bar.books.snapshots.back()));
}

TEST_CASE("when the snapshot is nonsense the emergency stop still arrives", "[engine]") {
  Bar bar;
  bar.play.run_until(5s);
  bar.venue.change_balance(1, 2'000'000'000'000);  // No decoder takes this balance.
  bar.venue.emergency_stop = true;
  bar.play.run_until(10s);
  CHECK(bar.play.told_of<Nonsense>().size() == 1);
  CHECK(bar.play.told_of<EmergencyStop>().back().on);
  bar.play.run_until(1h);
  CHECK(bar.play.told_of<Nonsense>().size() == 1);
  CHECK(bar.play.started(snapshot_path) < 100);
}

// Found by reading: nothing was told before the ledger had it, and the status was not asked for.
TEST_CASE("an emergency stop arrives although the ledger cannot keep the snapshot", "[engine]") {
  Bar bar;
  bar.play.run_until(5s);
  const storage::Error full{storage::Error::Kind::full, "disk full"};
  SECTION("but what is small") {
    bar.books.snapshot_broken = full;
  }
  SECTION("nor anything else") {
    bar.books.broken = full;
  }
  bar.play.run_until(6s);
  bar.venue.change_balance(1, -100);
  bar.venue.emergency_stop = true;
  bar.play.run_until(11s);
  CHECK(bar.play.told_of<EmergencyStop>().back().on);
  // Long after the snapshot is asked for once in minutes only, each change arrives in seconds.
  bar.play.run_until(1h);
  CHECK(bar.play.told_of<EmergencyStop>().size() == 2);
  bar.venue.emergency_stop = false;
  bar.play.run_until(1h + 5s);
  CHECK_FALSE(bar.play.told_of<EmergencyStop>().back().on);
  bar.venue.emergency_stop = true;
  bar.play.run_until(1h + 10s);
  CHECK(bar.play.told_of<EmergencyStop>().back().on);
  CHECK(bar.play.started(snapshot_path) < 100);
}

TEST_CASE("a ledger that cannot keep a snapshot lifts no emergency stop by it", "[engine]") {
  Bar bar;
  bar.play.run_until(5s);
  bar.venue.emergency_stop = true;
  bar.play.run_until(10s);
  REQUIRE(bar.play.told_of<EmergencyStop>().back().on);
  bar.books.snapshot_broken = storage::Error{storage::Error::Kind::full, "disk full"};
  bar.venue.status_status = 500;
  bar.venue.emergency_stop = false;
  bar.play.run_until(10min);
  CHECK(bar.play.told_of<EmergencyStop>().back().on);
  bar.books.snapshot_broken.reset();
  bar.play.run_until(20min);
  CHECK_FALSE(bar.play.told_of<EmergencyStop>().back().on);
}

TEST_CASE("trouble with the ledger is told once per kind of work and stops nothing for good",
          "[engine]") {
  Bar bar;
  bar.books.broken = storage::Error{storage::Error::Kind::full, "disk full"};
  bar.play.ask_at(5s, 1);
  bar.play.run_until(1h);
  CHECK(std::holds_alternative<NoAnswer>(bar.verdict()));
  CHECK(bar.play.told_of<BooksTrouble>().size() <= 4);
  CHECK_FALSE(bar.play.told_of<BooksTrouble>().empty());
  bar.books.broken.reset();
  bar.books.add(pour(1));
  bar.play.run_until(1h + 10min);
  CHECK(bar.confirmed() == 1);
  CHECK(bar.play.told_of<SnapshotApplied>().size() >= 1);
}

TEST_CASE("a balance heard before an unconfirmed pour is never more than what is left",
          "[engine]") {
  Bar bar;
  bar.play.watched_guests = {1};
  bar.play.faults.lost_after = 500;
  for (std::uint64_t i = 0; i < 10; ++i) bar.play.pour_at(1s + 3s * i, pour(i, 1));
  for (std::uint64_t i = 0; i < 30; ++i) bar.play.ask_at(1s + 1s * i, 1);
  bar.play.run_until(10min);
  CHECK(bar.play.breach().empty());
  CHECK(bar.confirmed() == 10);
  CHECK(bar.books.available(1) == model::Money{10'000 - 10 * 516});
}

TEST_CASE("outcomes for requests that nobody made are ignored", "[engine]") {
  MemoryBooks books;
  Engine engine{options(), books, always_longest()};
  engine.on_outcome(0, HttpResponse{200, {}, "{}"}, at(1s));
  engine.on_outcome(99, HttpResponse{200, {}, "{}"}, at(1s));
  CHECK(engine.take_notices().empty());
  CHECK(engine.due(at(1s)).size() == 1);
}

TEST_CASE("asks past what a controller has taps for are answered at once", "[engine]") {
  MemoryBooks books;
  Engine engine{options(), books, always_longest()};
  for (std::uint64_t i = 1; i <= 100; ++i) engine.ask({i, card(i), model::TapId{1}}, at(1s));
  const auto notices = engine.take_notices();
  CHECK(notices.size() == 36);
  CHECK(engine.due(at(1s)).size() == 64 + 1);
}

TEST_CASE("options that no server could take are refused at the start", "[engine]") {
  MemoryBooks books;
  const auto refused = [&books](auto change) {
    EngineOptions chosen = options();
    change(chosen);
    try {
      const Engine engine{chosen, books, always_longest()};
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  CHECK_FALSE(refused([](EngineOptions&) {}));
  CHECK(refused([](EngineOptions& o) { o.controller_id = ""; }));
  CHECK(refused([](EngineOptions& o) { o.controller_id = "a/b"; }));
  CHECK(refused([](EngineOptions& o) { o.controller_id = std::string(51, 'a'); }));
  CHECK(refused([](EngineOptions& o) { o.token = "a\r\nX: y"; }));
  CHECK(refused([](EngineOptions& o) { o.batch_size = 0; }));
  CHECK(refused([](EngineOptions& o) { o.batch_size = 501; }));
  CHECK(refused([](EngineOptions& o) { o.attempt_cap = 0; }));
  CHECK(refused([](EngineOptions& o) { o.snapshot_interval = 0ms; }));
  CHECK(refused([](EngineOptions& o) { o.longest_backoff = 1ms; }));
}

}  // namespace
}  // namespace tapd::sync
