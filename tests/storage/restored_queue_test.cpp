// How far its pours got with the server, and what staff decided of them, in a restored ledger.
#include <functional>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/storage/files.hpp"
#include "tests/storage/restored.hpp"
#include "tests/storage/told.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Equals;
using storage::Ledger;

namespace {

using storage::Verdict;

void decide(Ledger& ledger, std::uint64_t number, Verdict::Kind kind, const std::string& outcome,
            std::int32_t attempt_cap = 1) {
  REQUIRE(test::outcome(ledger.apply_verdicts({{pour_id(number), kind, outcome, "by ann"}},
                                              attempt_cap, at(40), at(40))) == "ok");
}

void park(Ledger& ledger, std::uint64_t number) {
  decide(ledger, number, Verdict::Kind::spend_attempt, "parked");
}

void park_and_send_again(Ledger& ledger, std::uint64_t number) {
  park(ledger, number);
  REQUIRE(outcome(ledger.send_again(pour_id(number), "ann", at(45))) == "ok");
}

using Happened = std::function<void(Ledger&, std::uint64_t)>;

/// Ledgers of one pour that the backup holds, as `before`, and one that it does not; then both as
/// `happened`.
Opened restored_after(const TempDir& folder, const Happened& happened,
                      const Happened& before = {}) {
  {
    Ledger ledger{{folder / "tapd.db", std::nullopt, this_boot}};
    hear(ledger, small_snapshot());
    pour(ledger, 1, 200);
    if (before) before(ledger, 1);
    back_up(ledger, folder / "backup.db");
    pour(ledger, 2, 200);
    for (const std::uint64_t number : {1U, 2U}) happened(ledger, number);
    pour(ledger, 3, 200);
    write_file(folder / "log", bytes_of(folder / "tapd.db-wal"));
  }
  const std::string whole = bytes_of(folder / "tapd.db");
  write_file(folder / "tapd.db", std::string(20, 'x') + whole.substr(20));
  // Older images of each row may stand in a log that SQLite no longer knows as one.
  if (GENERATE(true, false)) {
    write_file(folder / "tapd.db-wal", std::string(32, 'x') + bytes_of(folder / "log").substr(32));
  }
  return open(folder);
}

}  // namespace

// Found by reading: the server never saw their ids, and the guest paid at the bar and once more.
TEST_CASE("a pour that staff took out of the queue is not sent by a restored ledger",
          "[restoring]") {
  const bool booked = GENERATE(true, false);
  TempDir folder;
  const Opened opened = restored_after(folder, [booked](Ledger& ledger, std::uint64_t number) {
    park(ledger, number);
    if (booked) decide(ledger, number, Verdict::Kind::confirmed, "booked_by_hand");
  });
  REQUIRE(opened.ledger);
  const auto due = *opened.ledger->due_pours(10, at(200));
  REQUIRE(due.size() == 1);
  CHECK(due[0].begin.client_tx_id == pour_id(3));
  const auto rows = *opened.ledger->unconfirmed_pours(10);
  REQUIRE(rows.size() == 3);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(rows[i].status == model::PourStatus::failed);
    CHECK(rows[i].server_outcome == "parked");
    CHECK_THAT(rows[i].last_error, ContainsSubstring(booked ? "booked_by_hand" : "by ann"));
    CHECK_THAT(opened.words(), ContainsSubstring(rows[i].begin.client_tx_id.short_id()));
  }
  CHECK_THAT(opened.words(), ContainsSubstring("set aside for staff"));
  CHECK_FALSE(opened.ledger->verify_chain({}, 100)->broken);
  // Whoever sends it again has it settled: nothing at the server pays for it any more.
  REQUIRE(outcome(opened.ledger->send_again(pour_id(1), "ann", at(210))) == "ok");
  CHECK(opened.ledger->due_pours(10, at(220), storage::DueRows::to_settle)->size() == 1);
}

TEST_CASE("a pour that staff sent again waits in a restored ledger, without a leave of its own",
          "[restoring]") {
  const bool turned_down = GENERATE(true, false);
  TempDir folder;
  const Opened opened = restored_after(folder, [&](Ledger& ledger, std::uint64_t number) {
    park_and_send_again(ledger, number);
    if (turned_down) decide(ledger, number, Verdict::Kind::spend_attempt, "no", 10);
  });
  REQUIRE(opened.ledger);
  CHECK(opened.ledger->due_pours(10, at(200))->size() == 3);
  CHECK(opened.ledger->due_pours(10, at(200), storage::DueRows::to_settle)->size() == 2);
}

TEST_CASE("a pour that the server has, or has turned down for now, is sent by a restored ledger",
          "[restoring]") {
  const bool confirmed = GENERATE(true, false);
  TempDir folder;
  const Opened opened = restored_after(folder, [&](Ledger& ledger, std::uint64_t number) {
    // Parked, sent again, and booked at last: only the newest image counts.
    park_and_send_again(ledger, number);
    if (confirmed) decide(ledger, number, Verdict::Kind::confirmed, "charged");
  });
  REQUIRE(opened.ledger);
  CHECK(opened.ledger->due_pours(10, at(200))->size() == 3);
  CHECK(opened.words().find("set aside for staff") == std::string::npos);
}

// Found by reading: a guest who paid at the bar for what the server had noted was charged as well.
TEST_CASE("a pour that the server has noted for staff is not sent by a restored ledger",
          "[restoring]") {
  TempDir folder;
  const Opened opened = restored_after(folder, [](Ledger& ledger, std::uint64_t number) {
    decide(ledger, number, Verdict::Kind::confirmed, "audit_only");
  });
  REQUIRE(opened.ledger);
  const auto due = *opened.ledger->due_pours(10, at(200));
  REQUIRE(due.size() == 1);
  CHECK(due[0].begin.client_tx_id == pour_id(3));
  CHECK_THAT(opened.words(), ContainsSubstring("set aside for staff"));
  for (const std::uint64_t number : {1U, 2U}) {
    CHECK_THAT(opened.words(), ContainsSubstring(pour_id(number).short_id()));
  }
  CHECK_THAT(opened.ledger->unconfirmed_pours(1)->front().last_error,
             ContainsSubstring("audit_only"));
}

// Found by the simulation: each restoring put its own words before those of the one before it.
TEST_CASE("a ledger that is restored twice says once why a pour waits for staff", "[restoring]") {
  TempDir folder;
  restored_after(folder, [](Ledger& ledger, std::uint64_t number) {
    decide(ledger, number, Verdict::Kind::confirmed, "audit_only");
  });
  const std::string whole = bytes_of(folder / "tapd.db");
  write_file(folder / "tapd.db", std::string(20, 'x') + whole.substr(20));
  const Opened opened = open(folder);
  REQUIRE(opened.ledger);
  const auto rows = *opened.ledger->unconfirmed_pours(2);
  REQUIRE(rows.size() == 2);
  for (const model::Pour& row : rows) {
    CHECK_THAT(row.last_error,
               Equals("the damaged ledger had it as confirmed: audit_only: by ann"));
  }
}

// Found by reading: it said "parked" without a word of what had become of it, and was booked twice.
TEST_CASE("a pour that was parked before the backup is told as what staff made of it since",
          "[restoring]") {
  const bool booked = GENERATE(true, false);
  TempDir folder;
  const auto then = [booked](Ledger& ledger, std::uint64_t number) {
    if (number == 2) park(ledger, number);
    if (booked) decide(ledger, number, Verdict::Kind::confirmed, "booked_by_hand");
  };
  const Opened opened = restored_after(folder, then, park);
  REQUIRE(opened.ledger);
  REQUIRE(opened.ledger->due_pours(10, at(200))->size() == 1);
  const auto first = opened.ledger->unconfirmed_pours(1)->front();
  REQUIRE(first.begin.client_tx_id == pour_id(1));
  CHECK(first.status == model::PourStatus::failed);
  CHECK_THAT(first.last_error, ContainsSubstring(booked ? "booked_by_hand" : "by ann"));
  CHECK_THAT(opened.words(), ContainsSubstring("set aside for staff"));
  CHECK_THAT(opened.words(), ContainsSubstring(pour_id(1).short_id()));
}

// Found by reading: it was owed for ever, or never sent, and nobody was told.
TEST_CASE("a pour that was parked before the backup and sent again since is sent", "[restoring]") {
  const bool charged = GENERATE(true, false);
  TempDir folder;
  const auto then = [charged](Ledger& ledger, std::uint64_t number) {
    if (number == 2) park(ledger, number);
    REQUIRE(outcome(ledger.send_again(pour_id(number), "ann", at(45))) == "ok");
    if (charged) decide(ledger, number, Verdict::Kind::confirmed, "charged");
  };
  const Opened opened = restored_after(folder, then, park);
  REQUIRE(opened.ledger);
  const auto due = *opened.ledger->due_pours(10, at(200));
  REQUIRE(due.size() == 3);
  // Nothing at the server pays for it any more, should it not know it.
  const auto settled = *opened.ledger->due_pours(10, at(200), storage::DueRows::to_settle);
  REQUIRE_FALSE(settled.empty());
  CHECK(settled[0].begin.client_tx_id == pour_id(1));
  CHECK(opened.words().find("set aside for staff") == std::string::npos);
}

// Found by reading: what nobody will charge was taken off the guest's balance all the same.
TEST_CASE("a final failure counts against nobody in a restored ledger either", "[restoring]") {
  const bool final = GENERATE(true, false);
  TempDir folder;
  const Opened opened = restored_after(folder, [final](Ledger& ledger, std::uint64_t number) {
    if (final) {
      decide(ledger, number, Verdict::Kind::final_failure, "guest_changed");
    } else {
      park(ledger, number);
    }
  });
  REQUIRE(opened.ledger);
  hear(*opened.ledger, small_snapshot(5000), *opened.ledger->ask_marker());
  const model::Money each = progress(1, 200).price;
  const std::int64_t counted = final ? 1 : 3;
  CHECK(facts(*opened.ledger).available.minor_units() == 5000 - counted * each.minor_units());
}
