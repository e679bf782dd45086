#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/storage/bar.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using storage::Verdict;

namespace {

constexpr std::int32_t cap = 3;

std::vector<model::ClientTxId> ids(const storage::Result<std::vector<model::Pour>>& pours) {
  REQUIRE(pours.has_value());
  std::vector<model::ClientTxId> all;
  for (const auto& pour : *pours) all.push_back(pour.begin.client_tx_id);
  return all;
}

std::vector<model::ClientTxId> numbers(std::initializer_list<std::uint64_t> wanted) {
  std::vector<model::ClientTxId> all;
  for (const std::uint64_t number : wanted) all.push_back(pour_id(number));
  return all;
}

// Sends pour 1 and applies one verdict to it at second 21; spent attempts wait until second 60.
std::string judge(storage::Ledger& ledger, Verdict::Kind kind, std::string reason = "") {
  REQUIRE(outcome(ledger.mark_sent({pour_id(1)}, at(20))) == "ok");
  Verdict said = verdict(1, kind);
  said.reason = std::move(reason);
  return outcome(ledger.apply_verdicts({said}, cap, at(21), at(60)));
}

model::Pour newest(storage::Ledger& ledger) {
  return ledger.newest_pours(1)->at(0);
}

}  // namespace

TEST_CASE("the oldest rows are due first, and only so many", "[queue]") {
  Bar bar;
  for (const std::uint64_t number : {5U, 3U, 9U, 1U}) pour(bar.ledger(), number, 100);
  model::PourBegin open = beginning(7);
  REQUIRE(outcome(bar.ledger().begin_pour(open, this_boot)) == "ok");
  CHECK(ids(bar.ledger().due_pours(10, at(20))) == numbers({5, 3, 9, 1}));
  CHECK(ids(bar.ledger().due_pours(2, at(20))) == numbers({5, 3}));
  CHECK(bar.ledger().due_pours(0, at(20))->empty());
}

TEST_CASE("a confirmed row is never due again", "[queue]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  pour(bar.ledger(), 2, 100);
  CHECK(judge(bar.ledger(), Verdict::Kind::confirmed, "audit_only") == "ok");
  CHECK(ids(bar.ledger().due_pours(10, at(1000))) == numbers({2}));
  bar.reopen();
  CHECK(ids(bar.ledger().due_pours(10, at(1000))) == numbers({2}));
  const model::Pour pour = bar.ledger().newest_pours(2)->at(1);
  CHECK(pour.status == model::PourStatus::confirmed);
  CHECK(pour.server_outcome == "accepted");
  CHECK(pour.last_error == "audit_only");
  CHECK(pour.attempts == 0);
}

TEST_CASE("a row sent without an answer is due again, also after a start", "[queue]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  REQUIRE(outcome(bar.ledger().mark_sent({pour_id(1)}, at(20))) == "ok");
  CHECK(newest(bar.ledger()).status == model::PourStatus::sent);
  CHECK(ids(bar.ledger().due_pours(10, at(21))) == numbers({1}));
  bar.reopen(next_boot);
  CHECK(ids(bar.ledger().due_pours(10, at(1))) == numbers({1}));
  CHECK(outcome(bar.ledger().mark_sent({pour_id(1)}, at(2))) == "ok");
  CHECK(newest(bar.ledger()).attempts == 0);
}

TEST_CASE("a spent attempt waits, and the cap parks the row", "[queue]") {
  Bar bar;
  auto& ledger = bar.ledger();
  pour(ledger, 1, 100);
  for (std::int32_t attempt = 1; attempt < cap; ++attempt) {
    CHECK(judge(ledger, Verdict::Kind::spend_attempt, "no keg") == "ok");
    CHECK(newest(ledger).attempts == attempt);
    CHECK(newest(ledger).status == model::PourStatus::fresh);
    CHECK(newest(ledger).last_error == "no keg");
    CHECK(ledger.due_pours(10, at_milliseconds(59'999))->empty());
    CHECK(ids(ledger.due_pours(10, at(60))) == numbers({1}));
  }
  CHECK(judge(ledger, Verdict::Kind::spend_attempt, "no keg") == "ok");
  CHECK(newest(ledger).attempts == cap);
  CHECK(newest(ledger).status == model::PourStatus::failed);
  CHECK(ledger.due_pours(10, at(100'000))->empty());
  bar.reopen(next_boot);
  CHECK(bar.ledger().due_pours(10, at(100'000))->empty());
  CHECK(bar.ledger().queue_counts()->failed == 1);
}

TEST_CASE("what waits in one boot is due in the next", "[queue]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  CHECK(judge(bar.ledger(), Verdict::Kind::spend_attempt) == "ok");
  SECTION("the same boot still waits after a restart") {
    bar.reopen(this_boot);
    CHECK(bar.ledger().due_pours(10, at(59))->empty());
    CHECK(ids(bar.ledger().due_pours(10, at(60))) == numbers({1}));
  }
  SECTION("another boot does not") {
    bar.reopen(next_boot);
    CHECK(ids(bar.ledger().due_pours(10, at(1))) == numbers({1}));
  }
  SECTION("an unknown boot does not") {
    bar.reopen(model::BootId{});
    CHECK(ids(bar.ledger().due_pours(10, at(1))) == numbers({1}));
  }
  CHECK(newest(bar.ledger()).attempts == 1);
}

// It stays `sent`: what was sent before it failed may be at the server all the same.
TEST_CASE("a row not judged waits on without an attempt spent", "[queue]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  for (int i = 0; i < 20; ++i) CHECK(judge(bar.ledger(), Verdict::Kind::not_judged) == "ok");
  CHECK(newest(bar.ledger()).status == model::PourStatus::sent);
  CHECK(newest(bar.ledger()).attempts == 0);
  CHECK(ids(bar.ledger().due_pours(10, at(22))) == numbers({1}));
}

TEST_CASE("of what the server says only so much is kept, in whole characters", "[queue]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  std::string endless;
  while (endless.size() < 100'000) endless += "ж";
  CHECK(judge(bar.ledger(), Verdict::Kind::spend_attempt, "x" + endless) == "ok");
  CHECK(newest(bar.ledger()).last_error == ("x" + endless).substr(0, 499));
  CHECK(judge(bar.ledger(), Verdict::Kind::not_judged, endless) == "ok");
  CHECK(newest(bar.ledger()).last_error == endless.substr(0, 500));
}

TEST_CASE("a final failure is parked at once and sent again only by hand", "[queue]") {
  Bar bar;
  auto& ledger = bar.ledger();
  pour(ledger, 1, 100);
  CHECK_THAT(outcome(ledger.send_again(pour_id(1), "anna", at(25))), StartsWith("refused"));
  CHECK(judge(ledger, Verdict::Kind::final_failure, "insufficient funds") == "ok");
  CHECK(newest(ledger).status == model::PourStatus::failed);
  CHECK(newest(ledger).last_error == "insufficient funds");
  CHECK(ledger.due_pours(10, at(100'000))->empty());

  CHECK(outcome(ledger.send_again(pour_id(1), "anna", at(25))) == "ok");
  CHECK(ids(ledger.due_pours(10, at(26))) == numbers({1}));
  CHECK(newest(ledger).attempts == 0);
  CHECK(judge(ledger, Verdict::Kind::confirmed) == "ok");
  CHECK_THAT(outcome(ledger.send_again(pour_id(1), "anna", at(25))), StartsWith("refused"));
  CHECK_THAT(outcome(ledger.send_again(pour_id(2), "anna", at(25))), StartsWith("refused"));
  bar.close();
  CHECK(bar.value("SELECT actor || ' ' || action || ' ' || target FROM audit_log") ==
        "anna send_again " + pour_id(1).text());
}

TEST_CASE("rows that are not to be sent are not marked, and their batch neither", "[queue]") {
  Bar bar;
  auto& ledger = bar.ledger();
  pour(ledger, 1, 100);
  CHECK(judge(ledger, Verdict::Kind::confirmed) == "ok");
  pour(ledger, 2, 100);
  REQUIRE(outcome(ledger.begin_pour(beginning(3), this_boot)) == "ok");
  for (const std::uint64_t unfit : {1U, 3U, 4U}) {
    CHECK_THAT(outcome(ledger.mark_sent({pour_id(2), pour_id(unfit)}, at(20))),
               StartsWith("refused"));
    CHECK(newest(ledger).status == model::PourStatus::fresh);
  }
}

TEST_CASE("a batch of verdicts counts as a whole", "[queue]") {
  Bar bar;
  auto& ledger = bar.ledger();
  for (std::uint64_t number = 1; number <= 4; ++number) pour(ledger, number, 100);
  REQUIRE(outcome(ledger.begin_pour(beginning(5), this_boot)) == "ok");
  REQUIRE(outcome(ledger.mark_sent(numbers({1, 2, 3, 4}), at(20))) == "ok");
  for (const std::uint64_t unfit : {5U, 6U}) {
    CHECK_THAT(outcome(ledger.apply_verdicts(
                   {verdict(1, Verdict::Kind::confirmed), verdict(unfit, Verdict::Kind::confirmed)},
                   cap, at(21), at(60))),
               StartsWith("refused"));
    CHECK(ledger.queue_counts()->confirmed == 0);
    CHECK(*ledger.ask_marker() == 0);
  }
  CHECK(outcome(ledger.apply_verdicts(
            {verdict(1, Verdict::Kind::confirmed), verdict(2, Verdict::Kind::final_failure),
             verdict(3, Verdict::Kind::spend_attempt), verdict(4, Verdict::Kind::not_judged)},
            cap, at(21), at(60))) == "ok");
  const auto counts = *ledger.queue_counts();
  CHECK(counts.confirmed == 1);
  CHECK(counts.failed == 1);
  CHECK(counts.waiting == 2);
  CHECK(counts.open == 1);
}

TEST_CASE("a verdict said twice counts once", "[queue]") {
  Bar bar;
  auto& ledger = bar.ledger();
  pour(ledger, 1, 100);
  CHECK(judge(ledger, Verdict::Kind::confirmed) == "ok");
  const auto marker = *ledger.ask_marker();
  for (const auto kind : {Verdict::Kind::confirmed, Verdict::Kind::final_failure,
                          Verdict::Kind::spend_attempt, Verdict::Kind::not_judged}) {
    CHECK(outcome(ledger.apply_verdicts({verdict(1, kind)}, cap, at(30), at(60))) == "ok");
    CHECK(newest(ledger).status == model::PourStatus::confirmed);
  }
  CHECK(*ledger.ask_marker() == marker);
}

TEST_CASE("a parked row is only moved by the news that it is booked", "[queue]") {
  Bar bar;
  auto& ledger = bar.ledger();
  pour(ledger, 1, 100);
  CHECK(judge(ledger, Verdict::Kind::final_failure) == "ok");
  for (const auto kind :
       {Verdict::Kind::final_failure, Verdict::Kind::spend_attempt, Verdict::Kind::not_judged}) {
    CHECK(outcome(ledger.apply_verdicts({verdict(1, kind)}, cap, at(30), at(60))) == "ok");
    CHECK(newest(ledger).status == model::PourStatus::failed);
  }
  CHECK(outcome(ledger.apply_verdicts({verdict(1, Verdict::Kind::confirmed)}, cap, at(30),
                                      at(60))) == "ok");
  CHECK(newest(ledger).status == model::PourStatus::confirmed);
}

TEST_CASE("the counts say what is owed and since when", "[queue]") {
  Bar bar;
  auto& ledger = bar.ledger();
  CHECK_FALSE(ledger.queue_counts()->oldest_waiting.has_value());
  CHECK(ledger.queue_counts()->owed == model::Money{});
  pour(ledger, 1, 100);
  pour(ledger, 2, 200);
  pour(ledger, 3, 400);
  REQUIRE(outcome(ledger.begin_pour(beginning(4), this_boot)) == "ok");
  REQUIRE(outcome(ledger.record_progress(progress(4, 1000))) == "ok");
  CHECK(judge(ledger, Verdict::Kind::confirmed) == "ok");
  REQUIRE(outcome(ledger.mark_sent(numbers({2}), at(20))) == "ok");
  CHECK(outcome(ledger.apply_verdicts({verdict(2, Verdict::Kind::final_failure)}, cap, at(21),
                                      at(60))) == "ok");
  const auto counts = *ledger.queue_counts();
  CHECK(counts.open == 1);
  CHECK(counts.waiting == 1);
  CHECK(counts.failed == 1);
  CHECK(counts.confirmed == 1);
  CHECK(counts.owed == model::Money{100 + 200});
  REQUIRE(counts.oldest_waiting.has_value());
  CHECK(counts.oldest_waiting->since_boot == at(10).since_boot);
}

TEST_CASE("calls in one commit share it or fall together", "[commits]") {
  Bar bar;
  auto& ledger = bar.ledger();
  const auto error = tl::make_unexpected(storage::Error{storage::Error::Kind::refused, "no"});

  SECTION("an error of the work undoes all of it") {
    const auto result = ledger.in_one_commit([&]() -> storage::Result<> {
      pour(ledger, 1, 100);
      CHECK(ledger.queue_counts()->waiting == 1);
      return error;
    });
    CHECK(outcome(result) == "refused: no");
    CHECK(ledger.queue_counts()->waiting == 0);
  }
  SECTION("a call that fails inside is undone alone") {
    const auto result = ledger.in_one_commit([&]() -> storage::Result<> {
      pour(ledger, 1, 100);
      REQUIRE(outcome(ledger.mark_sent({pour_id(1)}, at(20))) == "ok");
      CHECK_FALSE(ledger.apply_verdicts(
          {verdict(1, Verdict::Kind::confirmed), verdict(2, Verdict::Kind::confirmed)}, cap, at(21),
          at(60)));
      pour(ledger, 3, 100);
      return {};
    });
    CHECK(outcome(result) == "ok");
    CHECK(ledger.queue_counts()->waiting == 2);
    CHECK(ledger.queue_counts()->confirmed == 0);
  }
  SECTION("commits nest") {
    const auto result = ledger.in_one_commit([&]() -> storage::Result<> {
      pour(ledger, 1, 100);
      CHECK_FALSE(ledger.in_one_commit([&]() -> storage::Result<> {
        pour(ledger, 2, 100);
        return error;
      }));
      CHECK(ledger.in_one_commit([&]() -> storage::Result<> {
        pour(ledger, 3, 100);
        return {};
      }));
      return {};
    });
    CHECK(outcome(result) == "ok");
    CHECK(ids(ledger.due_pours(10, at(20))) == numbers({1, 3}));
  }
  SECTION("an exception of the work passes, and nothing stays") {
    CHECK_THROWS_AS(ledger.in_one_commit([&]() -> storage::Result<> {
      pour(ledger, 1, 100);
      throw std::runtime_error{"a bug"};
    }),
                    std::runtime_error);
    CHECK(ledger.queue_counts()->waiting == 0);
    pour(ledger, 1, 100);
    CHECK(ledger.queue_counts()->waiting == 1);
  }
  SECTION("an exception inside a nested commit passes too") {
    const auto result = ledger.in_one_commit([&]() -> storage::Result<> {
      pour(ledger, 1, 100);
      CHECK_THROWS_AS(ledger.in_one_commit([&]() -> storage::Result<> {
        pour(ledger, 2, 100);
        throw std::runtime_error{"a bug"};
      }),
                      std::runtime_error);
      return {};
    });
    CHECK(outcome(result) == "ok");
    CHECK(ids(ledger.due_pours(10, at(20))) == numbers({1}));
  }
  bar.reopen();
  CHECK(bar.ledger().queue_counts()->open == 0);
}

TEST_CASE("offline pours and rows with a live authorization are due apart", "[queue]") {
  Bar bar;
  auto& ledger = bar.ledger();
  for (const std::uint64_t number : {1U, 2U, 3U}) {
    model::PourBegin begin = beginning(number);
    if (number == 2) begin.authorized_by = model::AuthorizedBy::server;
    if (number != 2) begin.authorized_by = model::AuthorizedBy::cache;
    REQUIRE(outcome(ledger.begin_pour(begin, this_boot)) == "ok");
    // The third never ran: without volume there is nothing to authorize.
    REQUIRE(outcome(ledger.end_pour(ending(number, number == 3 ? 0 : 100))) == "ok");
  }
  using storage::DueRows;
  CHECK(ids(ledger.due_pours(10, at(20), DueRows::all)) == numbers({1, 2, 3}));
  CHECK(ids(ledger.due_pours(10, at(20), DueRows::ready)) == numbers({2, 3}));
  CHECK(ids(ledger.due_pours(10, at(20), DueRows::to_settle)) == numbers({1}));

  // A retry still has its authorization; one that staff send again may have lost it long ago.
  const auto standing = [&] {
    return *ledger.card_standing(card(1), model::TapId{9}, {}, this_boot);
  };
  const auto judge = [&](Verdict::Kind kind) {
    REQUIRE(outcome(ledger.mark_sent({pour_id(2)}, at(20))) == "ok");
    REQUIRE(outcome(ledger.apply_verdicts({verdict(2, kind), verdict(3, Verdict::Kind::confirmed)},
                                          10, at(21), at(22))) == "ok");
  };
  judge(Verdict::Kind::spend_attempt);
  CHECK(ids(ledger.due_pours(10, at(30), DueRows::ready)) == numbers({2}));
  CHECK(standing().unsent);
  judge(Verdict::Kind::final_failure);
  REQUIRE(outcome(ledger.send_again(pour_id(2), "anna", at(31))) == "ok");
  CHECK(ids(ledger.due_pours(10, at(40), DueRows::to_settle)) == numbers({1, 2}));
  CHECK_FALSE(standing().unsent);
}

TEST_CASE("a card's standing tells of sessions, unsent rows and pours since", "[queue]") {
  Bar bar;
  auto& ledger = bar.ledger();
  const auto standing = [&ledger](std::int64_t card_number, std::int32_t tap, std::int64_t since) {
    return *ledger.card_standing(card(card_number), model::TapId{tap}, at(since).since_boot,
                                 this_boot);
  };
  CHECK_FALSE(standing(1, 1, 0).in_session);
  model::PourBegin begin = beginning(1);
  begin.authorized_by = model::AuthorizedBy::server;
  REQUIRE(outcome(ledger.begin_pour(begin, this_boot)) == "ok");
  CHECK(standing(1, 9, 0).in_session);  // The card, on another tap.
  CHECK(standing(9, 1, 0).in_session);  // The tap, with another card.
  CHECK_FALSE(standing(9, 9, 0).in_session);
  REQUIRE(outcome(ledger.end_pour(ending(1, 100))) == "ok");
  CHECK_FALSE(standing(1, 1, 0).in_session);
  CHECK(standing(1, 1, 0).unsent);
  CHECK_FALSE(standing(9, 1, 0).unsent);
  CHECK(standing(1, 1, 10).began_since);
  CHECK_FALSE(standing(1, 1, 11).began_since);
  CHECK_FALSE(standing(1, 2, 10).began_since);
  confirm(ledger, 1);
  CHECK_FALSE(standing(1, 1, 0).unsent);
}
