// Which authorizations of the server are still behind waiting rows, and what a run before this one
// left at the server.
#include <catch2/catch_test_macros.hpp>

#include "tests/storage/bar.hpp"

using namespace tapd;
using namespace tapd::test;
using storage::DueRows;
using storage::Verdict;

namespace {

constexpr std::int32_t cap = 3;

void pour_on(storage::Ledger& ledger, std::uint64_t number, std::int32_t tap,
             std::int64_t millilitres, model::AuthorizedBy by) {
  model::PourBegin begin = beginning(number);
  begin.tap_id = model::TapId{tap};
  begin.authorized_by = by;
  REQUIRE(outcome(ledger.begin_pour(begin, this_boot)) == "ok");
  REQUIRE(outcome(ledger.end_pour(ending(number, millilitres))) == "ok");
}

void judge(storage::Ledger& ledger, std::uint64_t number, Verdict::Kind kind) {
  REQUIRE(outcome(ledger.mark_sent({pour_id(number)}, at(20))) == "ok");
  REQUIRE(outcome(ledger.apply_verdicts({verdict(number, kind)}, cap, at(21), at(22))) == "ok");
}

std::size_t due(storage::Ledger& ledger, DueRows which) {
  return ledger.due_pours(10, at(30), which)->size();
}

}  // namespace

// Found by reading: the first attempt after it made the row one with leave again. It was sent
// without any, noted as `audit_only`, and never charged.
TEST_CASE("the locks that a run has noted are told to the next one", "[leave]") {
  Bar bar;
  CHECK(bar.ledger().left_behind(10)->noted.empty());
  const storage::LeftBehind::Locks locks{{card(1), model::TapId{1}}, {card(2), model::TapId{7}}};
  REQUIRE(outcome(bar.ledger().note_locks(locks)) == "ok");
  bar.reopen(next_boot);
  CHECK(bar.ledger().left_behind(10)->noted == locks);
  CHECK(bar.ledger().left_behind(10)->locks.empty());
  REQUIRE(outcome(bar.ledger().set_meta("locks_unresolved", "0400 1\n\nnonsense")) == "ok");
  CHECK(bar.ledger().left_behind(10)->noted.empty());
  REQUIRE(outcome(bar.ledger().note_locks({})) == "ok");
  CHECK(bar.ledger().left_behind(10)->noted.empty());
}

TEST_CASE("a row that is sent again has no leave of its own, however often it is turned down",
          "[leave]") {
  Bar bar;
  auto& ledger = bar.ledger();
  pour_on(ledger, 1, 1, 100, model::AuthorizedBy::server);
  judge(ledger, 1, Verdict::Kind::spend_attempt);
  CHECK(due(ledger, DueRows::ready) == 1);  // A retry still has it.
  judge(ledger, 1, Verdict::Kind::final_failure);
  REQUIRE(outcome(ledger.send_again(pour_id(1), "anna", at(25))) == "ok");
  for (int attempt = 0; attempt < 2; ++attempt) {
    CHECK(due(ledger, DueRows::to_settle) == 1);
    CHECK(due(ledger, DueRows::ready) == 0);
    judge(ledger, 1, Verdict::Kind::spend_attempt);
  }
  judge(ledger, 1, Verdict::Kind::spend_attempt);
  REQUIRE(ledger.newest_pours(1)->at(0).status == model::PourStatus::failed);
  REQUIRE(outcome(ledger.send_again(pour_id(1), "anna", at(25))) == "ok");
  CHECK(due(ledger, DueRows::to_settle) == 1);
  judge(ledger, 1, Verdict::Kind::confirmed);
  CHECK(ledger.newest_pours(1)->at(0).server_outcome == verdict(1, {}).outcome);
}

TEST_CASE("a row on another tap pays with no lock of this one", "[leave]") {
  Bar bar;
  auto& ledger = bar.ledger();
  pour_on(ledger, 1, 2, 0, model::AuthorizedBy::cache);
  const auto standing = [&](std::int32_t tap) {
    return *ledger.card_standing(card(1), model::TapId{tap}, {}, this_boot);
  };
  CHECK(standing(1).unsent);
  CHECK_FALSE(standing(1).unsent_here);
  CHECK(standing(2).unsent_here);
  pour_on(ledger, 2, 1, 100, model::AuthorizedBy::server);
  CHECK(standing(1).unsent_here);
}

TEST_CASE("a card whose row to settle was sent is in doubt until its verdict", "[leave]") {
  Bar bar;
  const auto in_doubt = [&](const model::BootId& boot) {
    return bar.ledger().card_standing(card(1), model::TapId{3}, {}, boot)->in_doubt;
  };
  pour_on(bar.ledger(), 1, 2, 100, model::AuthorizedBy::cache);
  pour_on(bar.ledger(), 2, 1, 100, model::AuthorizedBy::server);
  REQUIRE(outcome(bar.ledger().mark_sent({pour_id(2)}, at(20))) == "ok");
  CHECK_FALSE(in_doubt(this_boot));  // Its lock is its own.
  REQUIRE(outcome(bar.ledger().mark_sent({pour_id(1)}, at(20))) == "ok");
  CHECK(in_doubt(this_boot));
  bar.reopen(next_boot);
  judge(bar.ledger(), 1, Verdict::Kind::not_judged);
  CHECK(in_doubt(next_boot));
  judge(bar.ledger(), 1, Verdict::Kind::spend_attempt);
  CHECK_FALSE(in_doubt(next_boot));
}

TEST_CASE("a start hears of rows without an answer and of locks that were given up", "[leave]") {
  Bar bar;
  auto& ledger = bar.ledger();
  const auto taps = [&](std::size_t most) {
    std::vector<std::int32_t> all;
    const auto left = ledger.left_behind(most);
    for (const auto& lock : left->locks) all.push_back(lock.tap.number());
    return all;
  };
  CHECK_FALSE(ledger.left_behind(9)->sent);
  for (const std::uint64_t number : {1U, 2U, 3U}) {
    pour_on(ledger, number, static_cast<std::int32_t>(number), 100, model::AuthorizedBy::server);
  }
  CHECK(taps(9).empty());
  REQUIRE(outcome(ledger.mark_sent({pour_id(1)}, at(20))) == "ok");
  CHECK(ledger.left_behind(9)->sent);
  for (int attempt = 0; attempt < cap; ++attempt) {
    judge(ledger, 1, Verdict::Kind::spend_attempt);
    judge(ledger, 3, Verdict::Kind::spend_attempt);
  }
  judge(ledger, 2, Verdict::Kind::final_failure);
  CHECK_FALSE(ledger.left_behind(9)->sent);
  CHECK(taps(9) == std::vector{3, 1});
  CHECK(taps(1) == std::vector{3});
}

TEST_CASE("rows are read in pages, each beyond a row that is named", "[leave]") {
  Bar bar;
  auto& ledger = bar.ledger();
  for (std::uint64_t number = 1; number <= 5; ++number) pour(ledger, number, 100);
  confirm(ledger, 3);
  const auto first = [](const auto& pours) { return pours->at(0).begin.client_tx_id; };
  CHECK(ledger.unconfirmed_pours(9)->size() == 4);
  CHECK(first(ledger.unconfirmed_pours(9, pour_id(2).text())) == pour_id(4));
  CHECK(first(ledger.unconfirmed_pours(9, pour_id(3).text())) == pour_id(4));
  CHECK(ledger.unconfirmed_pours(9, pour_id(5).text())->empty());
  CHECK(first(ledger.newest_pours(9, pour_id(4).text())) == pour_id(3));
  CHECK(ledger.newest_pours(9, pour_id(1).text())->empty());
  // Nothing is beyond a row that is not there: whoever turns the pages comes to an end.
  CHECK(ledger.unconfirmed_pours(9, "gone")->empty());
  CHECK(ledger.newest_pours(9, "gone")->empty());
}
