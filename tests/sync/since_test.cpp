// The snapshot by its changes: what the answer says, and when the engine asks for the whole.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <nlohmann/json.hpp>

#include "sync/wire.hpp"
#include "tests/sync/engine_bar.hpp"
#include "tests/sync/ledger_books.hpp"
#include "tests/sync/samples.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;
using nlohmann::json;

json sample() {
  const json none = json::array();
  return {{"revision", 43},
          {"since", 41},
          {"currency", {{"code", "EUR"}, {"minor_digits", 2}}},
          {"system_states", {{"emergency_stop_enabled", "true"}}},
          {"beverages", none},
          {"kegs", none},
          {"taps", none},
          {"guests",
           {{{"guest_id", guest_uuid(1)},
             {"first_name", "Anna"},
             {"balance_cents", 3002},
             {"is_active", true}}}},
          {"cards", {{{"card_uid", "04000001"}, {"guest_id", nullptr}, {"status", "lost"}}}},
          {"gone",
           {{"beverages", {guest_uuid(200)}},
            {"kegs", {guest_uuid(100)}},
            {"taps", {7}},
            {"guests", {guest_uuid(2)}},
            {"cards", {"04AB7815CD6B80"}}}}};
}

std::string why_not(const json& body, std::optional<std::int64_t> since = 41) {
  const auto answer = decode_snapshot(body.dump(), since);
  return answer ? "readable" : answer.error().why;
}

TEST_CASE("changes are read with what is there and what is gone", "[wire]") {
  const auto answer = decode_snapshot(sample().dump(), 41);
  REQUIRE(answer);
  const auto* const changes = std::get_if<model::SnapshotChanges>(&*answer);
  REQUIRE(changes != nullptr);
  CHECK(changes->since == 41);
  CHECK(changes->now.revision == 43);
  CHECK(emergency_stop(changes->now));
  REQUIRE(changes->now.guests.size() == 1);
  CHECK(changes->now.guests[0].balance == model::Money{3002});
  CHECK(changes->now.cards[0].status == model::CardStatus::lost);
  CHECK(changes->gone.beverages == std::vector{model::BeverageId{guest_uuid(200)}});
  CHECK(changes->gone.kegs == std::vector{model::KegId{guest_uuid(100)}});
  CHECK(changes->gone.taps == std::vector{model::TapId{7}});
  CHECK(changes->gone.guests == std::vector{model::GuestId{guest_uuid(2)}});
  CHECK(changes->gone.cards == std::vector{*model::CardUid::parse("04ab7815cd6b80")});
}

TEST_CASE("an answer without since is the whole, whatever was asked for", "[wire]") {
  json whole = sample();
  whole["since"] = nullptr;
  const auto answer = decode_snapshot(whole.dump(), 41);
  REQUIRE(answer);
  CHECK(std::holds_alternative<model::Snapshot>(*answer));
}

TEST_CASE("changes that do not fit the question, or contradict themselves, are refused", "[wire]") {
  const json good = sample();
  REQUIRE(why_not(good) == "readable");
  CHECK(why_not(good, 40).starts_with("since: "));
  CHECK(why_not(good, std::nullopt).starts_with("since: "));
  CHECK_FALSE(decode_snapshot(good.dump()).has_value());
  json bad = good;
  bad["revision"] = 40;
  CHECK(why_not(bad).starts_with("since: "));
  bad = good;
  bad["gone"]["guests"].push_back(guest_uuid(1));
  CHECK(why_not(bad).find("there and gone") != std::string::npos);
  bad = good;
  bad["gone"]["cards"].push_back("04000001");
  CHECK(why_not(bad).find("there and gone") != std::string::npos);
  for (const auto& [list, keys] : good["gone"].items()) {
    CAPTURE(list);
    bad = good;
    bad["gone"].erase(list);
    CHECK(why_not(bad) != "readable");
    bad["gone"][list] = {"../etc"};
    CHECK(why_not(bad) != "readable");
  }
  bad = good;
  bad.erase("gone");
  CHECK(why_not(bad) != "readable");
  bad = good;
  bad["guests"][0]["balance_cents"] = INT64_MAX;
  CHECK(why_not(bad) != "readable");
}

std::int64_t cents(TestBooks& books, std::uint64_t guest) {
  const auto left = books.available(guest);
  REQUIRE(left);
  return left->minor_units();
}

// A link that has just failed carries the changes of a guest who pays in sooner than the whole.
TEST_CASE("after a question that failed only the changes are asked for again", "[engine][since]") {
  Bar bar;
  bar.play.run_until(5s);
  const auto status = GENERATE(429, 503, 504);
  CAPTURE(status);
  bar.venue.snapshot_status = status;
  bar.play.run_until(10s);
  bar.venue.snapshot_status = 0;
  bar.venue.change_balance(3, 700);
  bar.play.run_until(1min);
  CHECK(cents(bar.books, 3) == 10'700);
  CHECK(bar.books.changes == 1);
  CHECK(bar.books.snapshots.size() == 2);  // The whole at the start, and what the changes made.
}

TEST_CASE("after the first snapshot only changes travel, and the whole every ten minutes",
          "[engine][since]") {
  Bar bar;
  bar.play.run_until(5s);
  bar.venue.change_balance(3, -700);
  bar.play.run_until(10s);
  CHECK(cents(bar.books, 3) == 9'300);
  CHECK(bar.venue.changes_told == 1);
  CHECK(bar.books.changes == 1);
  const auto told = bar.play.told_of<SnapshotApplied>();
  REQUIRE(told.size() == 2);
  CHECK_FALSE(told[0].since);
  CHECK(told[1].since == told[0].revision);
  CHECK(told[1].guests == 1);
  CHECK(told[1].cards == 0);
  bar.play.run_until(11min);
  CHECK(bar.play.told_of<SnapshotApplied>().size() == 3);
  CHECK_FALSE(bar.play.told_of<SnapshotApplied>()[2].since);
}

TEST_CASE("an emergency stop arrives by changes that hold nothing else", "[engine][since]") {
  Bar bar;
  bar.play.run_until(5s);
  bar.venue.emergency_stop = true;
  bar.play.run_until(8s);
  REQUIRE_FALSE(bar.play.told_of<EmergencyStop>().empty());
  CHECK(bar.play.told_of<EmergencyStop>().back().on);
  CHECK(bar.books.changes == 1);
  CHECK(emergency_stop(bar.books.snapshots.back()));
}

TEST_CASE("a server that knows nothing of changes keeps working", "[engine][since]") {
  Bar bar;
  bar.venue.knows_since = false;
  bar.play.run_until(5s);
  bar.venue.change_balance(3, -700);
  bar.play.run_until(10s);
  CHECK(cents(bar.books, 3) == 9'300);
  CHECK(bar.books.changes == 0);
  CHECK(bar.play.told_of<Nonsense>().empty());
}

TEST_CASE("a server that takes offence at since is asked without it, and again much later",
          "[engine][since]") {
  Bar bar;
  bar.venue.since_status = GENERATE(400, 404, 422, 500);
  bar.play.run_until(5s);
  bar.venue.change_balance(3, -700);
  bar.play.run_until(10s);
  CHECK(cents(bar.books, 3) == 9'300);
  CHECK(bar.venue.since_asked == 1);
  CHECK(bar.play.told_of<Nonsense>().empty());
  CHECK(bar.play.told_of<TokenRefused>().empty());
  CHECK(bar.play.told_of<NoSnapshotHere>().empty());
  bar.play.run_until(9min);
  CHECK(bar.venue.since_asked == 1);
  bar.venue.since_status = 0;
  bar.play.run_until(11min);
  bar.venue.change_balance(3, -300);
  bar.play.run_until(12min);
  CHECK(cents(bar.books, 3) == 9'000);
  CHECK(bar.books.changes == 1);
}

TEST_CASE("changes of another revision are told as nonsense, and the whole is asked for",
          "[engine][since]") {
  Bar bar;
  bar.play.run_until(5s);
  const int asked_before = bar.venue.since_asked;
  bar.venue.change_balance(3, -700);
  bar.venue.since_says = 1;
  bar.play.run_until(10s);
  CHECK(cents(bar.books, 3) == 9'300);
  CHECK(bar.books.changes == 0);
  CHECK(bar.venue.since_asked == asked_before + 1);
  REQUIRE(bar.play.told_of<Nonsense>().size() == 1);
  CHECK(bar.play.told_of<Nonsense>()[0].why.starts_with("since: "));
}

TEST_CASE("changes that the ledger does not take are asked for as the whole", "[engine][since]") {
  LedgerBooks books;
  Venue venue;
  venue.add_guest(3, 10'000);
  Play play{1, books, venue, test::options()};
  play.run_until(5s);
  // The file was closed and opened: what the changes would start from is gone.
  books.reopen();
  venue.change_balance(3, -700);
  play.run_until(10s);
  CHECK(cents(books, 3) == 9'300);
  CHECK(venue.changes_told == 1);
  CHECK(play.told_of<BooksTrouble>().size() == 1);
}

}  // namespace
}  // namespace tapd::sync
