// A server that says for a while that it has no snapshot: one that is only about to start, behind a
// proxy that is up already, and one that has none.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/sync/engine_bar.hpp"
#include "tests/sync/ledger_books.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;
using model::PourStatus;

/// More than an authorization of the venue allows.
model::Pour large(std::uint64_t number) {
  model::Pour row = pour(number, number);
  row.volume = model::Volume::millilitres(1'050);
  return row;
}

// Found by reading: it was settled like on a server that never had one, with another tail than
// before, and told as never charged.
TEST_CASE("a pour that a server with snapshots has is sent again as it was while that starts",
          "[snapshot]") {
  Bar bar;
  bar.play.run_until(5s);
  REQUIRE(bar.play.told_of<SnapshotApplied>().size() >= 1);
  bar.play.at_time(6s, [&] { bar.play.faults.lost_after = 1000; });
  bar.play.pour_at(6s + 1ms, large(1));
  bar.play.at_time(8s, [&] {
    bar.play.faults.lost_after = 0;
    bar.venue.has_snapshot = false;
  });
  bar.play.restart_at(9s);
  bar.play.at_time(GENERATE(10s, 40s), [&] { bar.venue.has_snapshot = true; });
  bar.play.run_until(2min);
  REQUIRE(bar.venue.booked.contains(tx(1).text()));
  CHECK(bar.venue.booked.at(tx(1).text()).times_sent > 1);
  CHECK(bar.books.rows().at(tx(1)).status == PourStatus::confirmed);
  CHECK(bar.venue.objection().empty());
  CHECK(bar.play.told_of<NoSnapshotHere>().size() == 1);
  // What it tells is heard soon.
  bar.venue.change_balance(3, -700);
  bar.play.run_until(2min + 5s);
  CHECK(bar.books.available(3) == model::Money{9'300});
}

// Past the limit without a tail such a server would give the pour away.
TEST_CASE("a venue that goes over to a server without snapshots is believed after an hour",
          "[snapshot]") {
  StrictBar bar;
  REQUIRE(bar.books.apply_snapshot({}, 0, at(0s)));
  bar.play.run_until(1h + 30min);
  bar.books.add(large(1));
  bar.play.run_until(1h + 31min);
  REQUIRE(bar.venue.booked.contains(tx(1).text()));
  CHECK(bar.venue.booked.at(tx(1).text()).tail == 50);
  const int asked = bar.play.started(snapshot_path);
  bar.play.run_until(2h + 31min);
  CHECK(bar.play.started(snapshot_path) <= asked + 7);
}

TEST_CASE("that a server had snapshots is known after a restart", "[snapshot]") {
  LedgerBooks books;
  CHECK_FALSE(books.left_behind(1)->had_snapshots);
  REQUIRE(books.apply_snapshot({}, 0, at(0s)));
  CHECK(books.left_behind(1)->had_snapshots);
}

}  // namespace
}  // namespace tapd::sync
