#include "tests/demo/verdict.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tapd::demo;

namespace {

PourRecord a_pour(const std::string& id, std::int64_t tap, const std::string& guest,
                  std::int64_t ml, std::int64_t cents) {
  return {.client_tx_id = id,
          .receipt = "R-" + id,
          .tap = tap,
          .guest_id = guest,
          .volume_ml = ml,
          .price_cents = cents,
          .stop_reason = "card_removed",
          .authorized_by = "server",
          .status = "confirmed"};
}

ServerPour booked(const PourRecord& pour) {
  return {.client_tx_id = pour.client_tx_id,
          .receipt = pour.receipt,
          .tap = pour.tap,
          .guest_id = pour.guest_id,
          .card_uid = "card of " + pour.guest_id,
          .started_at = "when " + pour.client_tx_id + " began",
          .volume_ml = pour.volume_ml,
          .charged_cents = pour.price_cents};
}

/// Two taps, three pours, of which one was cut off by the kill 40 ml after its last progress.
Books good_books() {
  Books books;
  books.ledger = {a_pour("a", 1, "ann", 300, 387), a_pour("b", 2, "ben", 250, 213),
                  a_pour("c", 2, "cleo", 150, 128)};
  books.ledger[2].stop_reason = "power_loss";
  books.ledger[2].authorized_by = "cache";
  books.told = books.ledger;
  for (const PourRecord& pour : books.ledger) books.server.push_back(booked(pour));
  books.taps = {{.tap = 1, .ran_ul = 300'400, .pulses_per_litre = 5'600, .fastest_ml_per_s = 50},
                {.tap = 2,
                 .ran_ul = 440'000,
                 .pulses_per_litre = 2'200,
                 .fastest_ml_per_s = 50,
                 .cut_off_ml_per_s = 40}};
  books.balances = {{"ann", "Ann", 2500, 2113},
                    {"ben", "Ben", 1000, 787},
                    {"cleo", "Cleo", 6000, 5872},
                    {"finn", "Finn", 0, 0}};
  books.seen = {"R-a", "R-c"};
  books.must_not_pour = {"finn"};
  books.foreseen_cut_off = 1;
  return books;
}

void check_fails(const Books& books, const std::string& because) {
  const Verdict verdict = judge(books);
  CHECK_FALSE(verdict.holds());
  bool said = false;
  for (const std::string& failure : verdict.failures) {
    said = said || failure.find(because) != std::string::npos;
  }
  CAPTURE(because, verdict.failures);
  CHECK(said);
}

}  // namespace

TEST_CASE("books that agree hold", "[demo][verdict]") {
  const Verdict verdict = judge(good_books());
  CAPTURE(verdict.failures);
  CHECK(verdict.holds());
  REQUIRE(verdict.columns.size() == 3);
  CHECK(verdict.columns[2].pours == 3);
  CHECK(verdict.columns[2].cut_off == 1);
  CHECK(verdict.columns[2].recorded_ml == 700);
  CHECK(verdict.columns[2].ran_ul == 740'400);
  CHECK(verdict.columns[2].charged_here_cents == 728);
  CHECK(verdict.from_cache == 1);
}

TEST_CASE("a pour that the server lacks is lost", "[demo][verdict]") {
  Books books = good_books();
  books.server.pop_back();
  CHECK(judge(books).lost == 1);
  check_fails(books, "R-c");
}

TEST_CASE("a receipt that was seen pouring and is nowhere is lost", "[demo][verdict]") {
  Books books = good_books();
  books.seen.insert("R-ghost");
  CHECK(judge(books).lost == 1);
  check_fails(books, "R-ghost");
}

TEST_CASE("a pour of nothing is not missed at the server", "[demo][verdict]") {
  Books books = good_books();
  books.ledger.push_back(a_pour("d", 1, "ann", 0, 0));
  books.told = books.ledger;
  books.seen.insert("R-d");
  const Verdict verdict = judge(books);
  CHECK(verdict.holds());
  CHECK(verdict.empty == 1);
}

TEST_CASE("a pour booked twice is doubled, under its id or another", "[demo][verdict]") {
  Books same_id = good_books();
  same_id.server.push_back(same_id.server[0]);
  CHECK(judge(same_id).doubled == 1);
  check_fails(same_id, "R-a twice");

  Books other_id = good_books();
  other_id.server.push_back(other_id.server[0]);
  other_id.server.back().client_tx_id = "x";
  CHECK(judge(other_id).doubled == 1);
  CHECK(judge(other_id).unknown == 1);
}

TEST_CASE("a pour at the server that was never recorded is a failure", "[demo][verdict]") {
  Books books = good_books();
  books.server.push_back(booked(a_pour("z", 1, "ann", 0, 0)));
  CHECK(judge(books).unknown == 1);
  check_fails(books, "never recorded");
}

TEST_CASE("a cent of difference is a failure", "[demo][verdict]") {
  Books books = good_books();
  books.server[1].charged_cents += 1;
  check_fails(books, "tap 2: 3.41 were charged here, but 3.42 at the server");
}

TEST_CASE("differences that cancel out are failures all the same", "[demo][verdict]") {
  Books books = good_books();
  books.server[1].charged_cents += 1;
  books.server[2].charged_cents -= 1;
  check_fails(books, "receipt R-b");
  check_fails(books, "receipt R-c");
}

TEST_CASE("a pour booked to another guest or with another volume is a failure", "[demo][verdict]") {
  Books guest = good_books();
  guest.server[0].guest_id = "ben";
  check_fails(guest, "receipt R-a");
  Books volume = good_books();
  volume.server[0].volume_ml -= 1;
  check_fails(volume, "receipt R-a");
}

TEST_CASE("every state but confirmed is a queue left over", "[demo][verdict]") {
  for (const char* status : {"open", "new", "sent", "failed"}) {
    Books books = good_books();
    books.ledger[0].status = status;
    books.told = books.ledger;
    CHECK(judge(books).queue_left == 1);
    check_fails(books, std::string{"still in the queue as "} + status);
  }
}

TEST_CASE("more beer than the bound allows is a failure, up to it is not", "[demo][verdict]") {
  Books books = good_books();
  const Column column = judge(books).columns[0];
  books.taps[0].ran_ul = column.recorded_ml * 1000 + column.too_little_allowed_ul;
  CHECK(judge(books).holds());
  books.taps[0].ran_ul += 1;
  check_fails(books, "tap 1:");
}

TEST_CASE("less beer than the bound allows is a failure, down to it is not", "[demo][verdict]") {
  Books books = good_books();
  const Column column = judge(books).columns[0];
  books.taps[0].ran_ul = column.recorded_ml * 1000 - column.too_much_allowed_ul;
  CHECK(judge(books).holds());
  books.taps[0].ran_ul -= 1;
  check_fails(books, "tap 1:");
}

TEST_CASE("only a pour that was cut off may be 50 ml or one second short", "[demo][verdict]") {
  Books books = good_books();
  const Column whole = judge(books).columns[0];
  const Column cut_off = judge(books).columns[1];
  CHECK(whole.too_little_allowed_ul == whole.too_much_allowed_ul);
  CHECK(cut_off.too_little_allowed_ul == cut_off.too_much_allowed_ul + 50'000);
  books.taps[1].cut_off_ml_per_s = 80;
  const Column faster = judge(books).columns[1];
  CHECK(faster.too_little_allowed_ul == faster.too_much_allowed_ul + 80'000);
  books.ledger[2].stop_reason = "card_removed";
  check_fails(books, "tap 2:");
}

TEST_CASE("a balance that fell by something else is a failure", "[demo][verdict]") {
  Books books = good_books();
  books.balances[0].after_cents -= 387;  // charged twice
  CHECK(judge(books).guests_charged_wrong == 1);
  check_fails(books, "Ann drank for 3.87, but the balance at the server fell by 7.74");
  Books stranger = good_books();
  stranger.balances.erase(stranger.balances.begin());
  check_fails(stranger, "no such guest");
}

TEST_CASE("a balance may end below zero by what runs while a valve shuts, no further",
          "[demo][verdict]") {
  Books books = good_books();
  const std::int64_t allowed = judge(books).overdraft_allowed_cents;
  CHECK(allowed == 17);  // 50 ml/s for 250 ms at 12.90 a litre: 16.1 cents, and one for rounding
  books.balances[0].before_cents = 387 - allowed;
  books.balances[0].after_cents = -allowed;
  CHECK(judge(books).holds());
  CHECK(judge(books).overdraft_cents == allowed);
  books.balances[0].before_cents -= 1;
  books.balances[0].after_cents -= 1;
  CHECK(judge(books).guests_overdrawn == 1);
  check_fails(books, "Ann could pour past the balance: it is -0.18 now");
}

TEST_CASE("the API and the file have to tell the same", "[demo][verdict]") {
  Books less = good_books();
  less.told.pop_back();
  check_fails(less, "GET /pours does not tell it");
  Books more = good_books();
  more.told.push_back(a_pour("y", 1, "ann", 1, 1));
  check_fails(more, "is not in the ledger's file");
  Books other = good_books();
  other.told[0].volume_ml += 1;
  check_fails(other, "two stories");
}

TEST_CASE("a pour of a guest who had to be refused is a failure", "[demo][verdict]") {
  Books books = good_books();
  books.must_not_pour.insert("ben");
  check_fails(books, "R-b belongs to a guest who had to be refused");
}

TEST_CASE("a kill that cut nothing off, or was not found, is a failure", "[demo][verdict]") {
  Books not_found = good_books();
  not_found.foreseen_cut_off = 2;
  check_fails(not_found, "killed during 2 pours, but found 1 unfinished");
  Books nothing = good_books();
  nothing.foreseen_cut_off = 0;
  nothing.ledger[2].stop_reason = "card_removed";
  nothing.told = nothing.ledger;
  nothing.taps[1].ran_ul = 400'000;
  check_fails(nothing, "no pour was running when tapd was killed");
}

TEST_CASE("an evening without a pour from the cache has shown nothing", "[demo][verdict]") {
  Books books = good_books();
  books.ledger[2].authorized_by = "server";
  books.told = books.ledger;
  check_fails(books, "no pour was allowed from a cached balance");
}

TEST_CASE("what went otherwise than in the story is a failure", "[demo][verdict]") {
  Books books = good_books();
  books.story_faults = {"Finn poured"};
  check_fails(books, "Finn poured");
}

TEST_CASE("an empty evening does not hold", "[demo][verdict]") {
  CHECK_FALSE(judge(Books{}).holds());
}
