// Offline pours on a server that charges no row without a live authorization, and the locks of
// authorizations that no pour followed.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/sync/engine_bar.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;
using model::PourStatus;

/// A session with the server's leave: asked, poured, and its row written.
void visit(StrictBar& bar, std::uint64_t number, std::chrono::milliseconds ask,
           std::chrono::milliseconds end) {
  const auto begun = ask + 400ms;
  bar.play.ask_at(ask, 1);
  bar.play.at_time(begun,
                   [&bar, begun] { bar.books.sessions = {{card(1), model::TapId{1}, begun}}; });
  bar.play.at_time(end, [&bar, number, begun, end] {
    bar.books.sessions.clear();
    model::Pour row = online(number);
    const auto allowed = bar.play.told_of<AuthorizeAnswered>();
    const bool by_server = std::holds_alternative<Allowed>(allowed.back().verdict);
    if (!by_server) row.begin.authorized_by = model::AuthorizedBy::cache;
    row.begin.start = at(begun);
    row.end = at(end);
    bar.books.add(row);
  });
}

// Found by reading: the second authorization of a card only refreshes the first, the row that comes
// first uses it up, and the other pour was free.
TEST_CASE("a guest who comes again before the last pour is booked pays for both", "[settle]") {
  StrictBar bar;
  bar.play.run_until(4s);
  visit(bar, 1, 5s, 10s);
  SECTION("the network was away in between") {
    bar.play.outages = {{9s, 60s, Outage::Kind::black_hole}};
    visit(bar, 2, 61s, 75s);
  }
  SECTION("the first was turned down for now") {
    bar.venue.poison[tx(1).text()].rejections = 1;
    visit(bar, 2, 12s, 20s);
  }
  SECTION("the first was turned down for now, and the card was laid on for nothing") {
    bar.venue.poison[tx(1).text()].rejections = 1;
    bar.play.ask_at(11s, 1);
    visit(bar, 2, 90s, 100s);
  }
  bar.play.run_until(30min);
  CHECK(bar.play.breach().empty());
  CHECK(bar.venue.noted.empty());
  CHECK(bar.venue.booked.size() == 2);
  CHECK(bar.venue.locks.empty());
}

TEST_CASE("a row that is given up leaves no lock behind", "[settle]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.venue.poison[tx(1).text()].rejections = 1'000;
  visit(bar, 1, 5s, 10s);
  bar.play.run_until(24h);
  CHECK(bar.row(1).status == PourStatus::failed);
  CHECK(bar.venue.locks.empty());
  CHECK(bar.play.breach().empty());
}

TEST_CASE("a server without snapshots is known again after it refused the token for a while",
          "[settle]") {
  StrictBar bar;
  bar.venue.snapshot_status = 401;
  bar.play.outages = {{0s, 90s, Outage::Kind::token}};
  bar.play.run_until(1h);
  CHECK(bar.play.told_of<NoSnapshotHere>().size() == 1);
  CHECK(bar.play.told_of<TokenRefused>().size() == 1);
}

TEST_CASE("offline pours are settled one by one and charged", "[settle]") {
  StrictBar bar;
  for (std::uint64_t row = 0; row < 20; ++row) bar.books.add(pour(row, 1 + row % 4));
  bar.play.run_until(1min);
  CHECK(bar.confirmed() == 20);
  CHECK(bar.venue.booked.size() == 20);
  CHECK(bar.venue.noted.empty());
  CHECK(bar.venue.locks.empty());
  CHECK(bar.play.started(endpoint::authorize) == 20);
  CHECK(bar.attempts() == 0);
}

TEST_CASE("a card that belongs to another guest by now makes nobody pay", "[settle]") {
  StrictBar bar;
  bar.play.pour_at(30s, pour(1, 1));
  bar.play.pour_at(30s, pour(2, 2));
  bar.venue.hand_on(1, 7);
  bar.play.run_until(1min);
  CHECK(bar.row(1).status == PourStatus::failed);
  CHECK(bar.row(1).outcome == "guest_changed");
  CHECK(bar.row(2).status == PourStatus::confirmed);
  CHECK(bar.venue.booked.size() == 1);
  CHECK(bar.venue.balances.at(guest_uuid(7)) == 10'000);
  CHECK(bar.venue.locks.empty());
  REQUIRE(bar.play.told_of<PourNotBooked>().size() == 1);
  CHECK(bar.play.told_of<PourNotBooked>()[0].final);
}

TEST_CASE("a pour that is denied is sent all the same, so that staff know of it", "[settle]") {
  StrictBar bar;
  bar.books.add(pour(1, 1));
  bar.venue.denied[card(1).text()] = "insufficient_funds";
  bar.play.run_until(1min);
  CHECK(bar.venue.noted == std::vector{tx(1).text()});
  CHECK(bar.row(1).status == PourStatus::confirmed);
  CHECK(bar.row(1).outcome == "audit_only");
}

TEST_CASE("nothing is settled while a session with the card or on the tap runs", "[settle]") {
  StrictBar bar;
  const bool same_card = GENERATE(true, false);
  const MemoryBooks::Session session = same_card ? MemoryBooks::Session{card(1), model::TapId{9}}
                                                 : MemoryBooks::Session{card(9), model::TapId{1}};
  bar.books.sessions = {session};
  bar.books.add(pour(1, 1));
  bar.play.run_until(5min);
  CHECK(bar.play.started(endpoint::authorize) == 0);
  CHECK(bar.row(1).status == PourStatus::fresh);
  bar.books.sessions.clear();
  bar.play.run_until(6min);
  CHECK(bar.confirmed() == 1);
}

TEST_CASE("a row with a live authorization goes before an older offline one", "[settle]") {
  // Settling first would use up the authorization of the pour that the guest has just had.
  StrictBar bar;
  bar.books.add(pour(1, 1));
  bar.books.add(online(2, 1));
  bar.venue.locks[card(1).text()] = 1;
  bar.play.run_until(1min);
  CHECK(bar.confirmed() == 2);
  CHECK(bar.venue.booked.size() == 2);
  CHECK(bar.venue.noted.empty());
}

TEST_CASE("an offline row has its turn while rows with leave keep coming", "[settle]") {
  EngineOptions one_by_one = options();
  one_by_one.batch_size = 1;
  StrictBar bar{one_by_one};
  bar.books.add(pour(1, 1));
  // More than a server that answers in some 25 ms can take: the queue is never empty.
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    bar.play.at_time(std::chrono::milliseconds{10 * i}, [&bar, i] {
      bar.venue.locks[card(2 + i % 8).text()] = 1;
      bar.books.add(online(100 + i, 2 + i % 8));
    });
  }
  bar.play.run_until(5s);
  CHECK(bar.row(1).status == PourStatus::confirmed);
  CHECK(bar.venue.booked.contains(tx(1).text()));
  CHECK(bar.confirmed() > 20);  // Nor do the others wait for it.
}

TEST_CASE("many rows of a card in use do not keep another's from being settled", "[settle]") {
  StrictBar bar;
  bar.books.sessions = {{card(1), model::TapId{9}}};
  constexpr std::uint64_t many = 300;
  for (std::uint64_t row = 0; row < many; ++row) bar.books.add(pour(row, 1));
  bar.books.add(pour(many, 2));
  bar.play.run_until(1min);
  CHECK(bar.row(many).status == PourStatus::confirmed);
  CHECK(bar.confirmed() == 1);
}

TEST_CASE("an ask for a card under settlement waits for its end", "[settle]") {
  StrictBar bar;
  bar.play.run_until(10s);
  bar.play.pour_at(10s, pour(1, 1));
  // Laid on at any moment of the settlement: the pour that follows must have leave of its own.
  const auto offset = GENERATE(1ms, 5ms, 20ms, 40ms, 60ms, 90ms);
  bar.play.ask_at(10s + offset, 1);
  bar.play.at_time(12s, [&bar] { bar.books.add(online(2, 1)); });
  bar.play.run_until(1min);
  CHECK(std::holds_alternative<Allowed>(bar.verdict()));
  CHECK(bar.confirmed() == 2);
  CHECK(bar.venue.noted.empty());
}

TEST_CASE("a lock that no pour followed is released", "[settle]") {
  StrictBar bar;
  bar.venue.has_snapshot = GENERATE(true, false);
  bar.play.ask_at(5s, 1);
  bar.play.run_until(6s);
  REQUIRE(bar.venue.locks.size() == 1);
  bar.play.run_until(30s);
  CHECK(bar.venue.locks.empty());
  CHECK(bar.venue.booked.empty());
  CHECK(bar.play.started(endpoint::pours) == 1);
}

TEST_CASE("a lock whose answer was lost is released, too", "[settle]") {
  StrictBar bar;
  bar.play.run_until(4s);
  bar.play.faults.lost_after = 1000;
  bar.play.ask_at(5s, 1);
  bar.play.run_until(6s);
  bar.play.faults.lost_after = 0;
  REQUIRE(bar.venue.locks.size() == 1);
  bar.play.run_until(5min);
  CHECK(bar.venue.locks.empty());
}

TEST_CASE("a release whose answer was lost is sent again under its id", "[settle]") {
  // What arrives late must not take the lock of the authorization that came after.
  StrictBar bar;
  bar.play.ask_at(5s, 1);
  bar.play.run_until(15s);
  bar.play.faults.lost_after = 1000;
  bar.play.run_until(15'200ms);
  REQUIRE(bar.venue.releases.size() == 1);
  CHECK(bar.venue.locks.empty());
  bar.play.faults.lost_after = 0;
  bar.play.run_until(5min);
  REQUIRE(bar.venue.releases.size() == 2);
  CHECK(bar.venue.releases[0] == bar.venue.releases[1]);
  bar.play.ask_at(6min, 1);
  bar.play.run_until(8min);
  REQUIRE(bar.venue.releases.size() == 3);
  CHECK(bar.venue.releases[2] != bar.venue.releases[1]);
  CHECK(bar.venue.locks.empty());
}

TEST_CASE("a request that fails does not make the lock of the one before it forgotten",
          "[settle]") {
  StrictBar bar;
  bar.play.ask_at(5s, 1);
  bar.play.at_time(9s, [&bar] { bar.venue.denied[card(1).text()] = "insufficient_funds"; });
  bar.play.ask_at(10s, 1);
  bar.play.run_until(11s);
  REQUIRE(bar.venue.locks.size() == 1);
  bar.play.run_until(1min);
  CHECK(bar.venue.locks.empty());
}

TEST_CASE("a login page in the server's place releases nothing", "[settle]") {
  StrictBar bar;
  bar.play.ask_at(5s, 1);
  bar.play.outages = {{15s, 1min, Outage::Kind::web_page}};
  bar.play.run_until(30s);
  REQUIRE(bar.venue.locks.size() == 1);
  bar.play.run_until(10min);
  CHECK(bar.venue.locks.empty());
}

TEST_CASE("an authorization that the server did not need for the row is released", "[settle]") {
  // It had the row already, the answer was lost: the id is looked at first.
  StrictBar bar;
  bar.venue.booked[tx(1).text()] = {516, 400, 6, guest_uuid(1), 1};
  bar.play.pour_at(30s, pour(1, 1));
  bar.play.run_until(1min);
  CHECK(bar.row(1).status == PourStatus::confirmed);
  CHECK(bar.venue.balances.at(guest_uuid(1)) == 10'000);
  CHECK(bar.venue.locks.empty());
}

TEST_CASE("an authorization that a spoilt row could not use is released", "[settle]") {
  StrictBar bar;
  const int status = GENERATE(422, 500);
  bar.venue.poison[tx(1).text()].whole_status = status;
  bar.play.pour_at(30s, pour(1, 1));
  const bool at_fault = status == 422;
  bar.play.run_until(at_fault ? 40s : 50s);
  CHECK(bar.row(1).attempts == (at_fault ? 1 : 0));
  CHECK(bar.venue.locks.empty());
}

TEST_CASE("the lock of a pour that runs is left alone", "[settle]") {
  StrictBar bar;
  bar.play.ask_at(5s, 1);
  bar.play.at_time(
      6s, [&bar] { bar.books.sessions = {{card(1), model::TapId{1}, std::chrono::seconds{6}}}; });
  bar.play.run_until(10min);
  CHECK(bar.venue.locks.size() == 1);
  CHECK(bar.play.started(endpoint::pours) == 0);
}

TEST_CASE("what ran past the server's limit is sent as tail", "[settle]") {
  // One minor unit too much without a tail, and the existing server gives the pour away.
  StrictBar bar;
  model::Pour row = pour(1, 1);
  row.volume = model::Volume::millilitres(1'050);
  row.price = model::price_of(row.volume, row.begin.price);
  bar.books.add(row);
  bar.play.run_until(1min);
  CHECK(bar.confirmed() == 1);
  CHECK(bar.venue.booked.at(tx(1).text()).tail == 50);
}

// Found by the simulator: the answer to such a row was lost, the guest's limit had changed when it
// was sent again, and the reference server called it another row under a known id.
TEST_CASE("a server that may have snapshots gets the same tail however often it is sent to",
          "[settle]") {
  Bar bar;
  bar.venue.snapshot_status = 500;
  model::Pour row = pour(1, 1);
  row.volume = model::Volume::millilitres(1'050);
  bar.books.add(row);
  bar.play.run_until(1min);
  REQUIRE(bar.venue.booked.contains(tx(1).text()));
  CHECK(bar.venue.booked.at(tx(1).text()).tail == row.tail.in_millilitres());
}

TEST_CASE("an outage in the middle of settlements costs no attempt", "[settle]") {
  StrictBar bar;
  for (std::uint64_t row = 0; row < 10; ++row) bar.books.add(pour(row, 1 + row));
  using Kind = Outage::Kind;
  bar.play.outages = {{100ms, 5min,
                       GENERATE(Kind::no_link, Kind::black_hole, Kind::unavailable,
                                Kind::server_error, Kind::web_page, Kind::token)}};
  bar.play.run_until(1h);
  CHECK(bar.confirmed() == 10);
  CHECK(bar.attempts() == 0);
  CHECK(bar.venue.noted.empty());
}

}  // namespace
}  // namespace tapd::sync
