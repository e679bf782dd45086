#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/storage/bar.hpp"
#include "tests/storage/faulty_disk.hpp"
#include "tests/storage/told.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::StartsWith;
using model::CardStatus;
using storage::Verdict;

// Between two verdicts all questions have one marker: whoever asks knows which came later.
TEST_CASE("what was heard since the snapshot was asked for stays until the next one", "[balance]") {
  Bar bar;
  const bool whole = GENERATE(true, false);
  const bool unknown = GENERATE(true, false);  // Registered after the snapshot was drawn.
  const auto status = GENERATE(CardStatus::active, CardStatus::lost);
  const auto apply = [&](model::Snapshot now, std::int64_t since) {
    if (whole) return outcome(bar.ledger().apply_snapshot(now, 0, at(8), this_boot));
    model::SnapshotChanges changes;
    changes.since = since;
    changes.now = std::move(now);
    changes.now.revision = since + 1;
    return outcome(bar.ledger().apply_changes(changes, 0, at(8), this_boot));
  };
  const auto without_guests = [] {
    model::Snapshot snapshot = small_snapshot();
    snapshot.guests.clear();
    snapshot.cards.clear();
    return snapshot;
  };
  hear(bar.ledger(), unknown ? without_guests() : small_snapshot(100));
  authorize(bar.ledger(), 5'100);
  model::Snapshot drawn = unknown ? without_guests() : small_snapshot(200);
  if (!unknown) drawn.cards[0].status = status;
  drawn.heard_since = {{guest(1)}, {card(1)}};
  REQUIRE(apply(drawn, 1) == "ok");
  REQUIRE(facts(bar.ledger()).guest);
  CHECK(facts(bar.ledger()).guest->balance == model::Money{5'100});
  // A card that is called lost is lost, whoever was asked first.
  CHECK(facts(bar.ledger()).card->status == (unknown ? CardStatus::active : status));
  SECTION("the next one tells it anew") {
    REQUIRE(apply(small_snapshot(300), 2) == "ok");
    CHECK(facts(bar.ledger()).guest->balance == model::Money{300});
    CHECK(facts(bar.ledger()).card->status == CardStatus::active);
  }
  SECTION("or tells of something else, and it becomes what was told") {
    model::Snapshot other = whole ? small_snapshot(200) : without_guests();
    other.taps[0].display_name = "Tap one";
    REQUIRE(apply(other, 2) == "ok");
    const bool forgotten = unknown && !whole;
    CHECK(facts(bar.ledger()).guest.has_value() == !forgotten);
    if (!forgotten) CHECK(facts(bar.ledger()).guest->balance == model::Money{200});
  }
}

TEST_CASE("an authorization teaches guest, card and balance", "[cache]") {
  Bar bar;
  authorize(bar.ledger(), 700, 0, 6);
  bar.reopen();
  CHECK(facts(bar.ledger()).card->status == CardStatus::active);
  CHECK(facts(bar.ledger()).guest->first_name == "Anna");
  CHECK(facts(bar.ledger()).available == model::Money{700});
  CHECK(facts(bar.ledger()).heard_at->since_boot == at(6).since_boot);
  CHECK(facts(bar.ledger()).heard_boot == this_boot);
  CHECK_THAT(outcome(bar.ledger().hear_balance({card(1), {}, "", {}, 0, at(7)}, this_boot)),
             StartsWith("refused"));
  CHECK_THAT(outcome(bar.ledger().hear_balance({{}, guest(1), "", {}, 0, at(7)}, this_boot)),
             StartsWith("refused"));
}

TEST_CASE("an older balance never replaces a newer one", "[cache][balance]") {
  Bar bar;
  auto& ledger = bar.ledger();
  for (std::uint64_t number = 1; number <= 3; ++number) {
    pour(ledger, number, 100);
    confirm(ledger, number);
  }
  REQUIRE(*ledger.ask_marker() == 3);

  authorize(ledger, 300, 2);
  authorize(ledger, 100, 1);
  CHECK(facts(ledger).guest->balance == model::Money{300});
  authorize(ledger, 250, 2, 8);
  CHECK(facts(ledger).guest->balance == model::Money{250});

  hear(ledger, small_snapshot(400), 1);
  CHECK(facts(ledger).guest->balance == model::Money{250});
  hear(ledger, small_snapshot(500), 3);
  CHECK(facts(ledger).guest->balance == model::Money{500});
  authorize(ledger, 600, 2);
  CHECK(facts(ledger).guest->balance == model::Money{500});
  hear(ledger, small_snapshot(700), 2);
  CHECK(facts(ledger).guest->balance == model::Money{500});
  authorize(ledger, 650, 3);
  CHECK(facts(ledger).guest->balance == model::Money{650});
}

TEST_CASE("charges and holds are taken off until the balance contains them", "[cache][balance]") {
  Bar bar;
  auto& ledger = bar.ledger();
  const auto available = [&ledger] { return facts(ledger).available; };
  hear(ledger, small_snapshot(5000));

  REQUIRE(outcome(ledger.begin_pour(beginning(1), this_boot)) == "ok");
  CHECK(available() == model::Money{4000});  // The hold.
  REQUIRE(outcome(ledger.record_progress(progress(1, 400))) == "ok");
  CHECK(available() == model::Money{4000});
  REQUIRE(outcome(ledger.record_progress(progress(1, 2400))) == "ok");
  CHECK(available() == model::Money{3800});  // More than the hold.
  REQUIRE(outcome(ledger.end_pour(ending(1, 2400))) == "ok");
  CHECK(available() == model::Money{3800});

  const storage::Marker asked_before = *ledger.ask_marker();
  confirm(ledger, 1);
  CHECK(available() == model::Money{3800});
  // Asked before the verdict: the server may or may not have booked it by then.
  hear(ledger, small_snapshot(3800), asked_before);
  CHECK(available() == model::Money{2600});
  hear(ledger, small_snapshot(3800), *ledger.ask_marker());
  CHECK(available() == model::Money{3800});
}

TEST_CASE("a parked pour stays charged until its verdict was final", "[cache][balance]") {
  Bar bar;
  auto& ledger = bar.ledger();
  hear(ledger, small_snapshot(5000));
  pour(ledger, 1, 1000);
  REQUIRE(outcome(ledger.mark_sent({pour_id(1)}, at(20))) == "ok");
  REQUIRE(outcome(ledger.apply_verdicts({verdict(1, Verdict::Kind::spend_attempt)}, 1, at(21),
                                        at(60))) == "ok");
  REQUIRE(ledger.queue_counts()->failed == 1);
  hear(ledger, small_snapshot(5000), *ledger.ask_marker());
  CHECK(facts(ledger).available == model::Money{4500});

  REQUIRE(outcome(ledger.send_again(pour_id(1), "anna", at(30))) == "ok");
  REQUIRE(outcome(ledger.mark_sent({pour_id(1)}, at(31))) == "ok");
  REQUIRE(outcome(ledger.apply_verdicts({verdict(1, Verdict::Kind::final_failure)}, 1, at(32),
                                        at(60))) == "ok");
  CHECK(facts(ledger).available == model::Money{4500});
  hear(ledger, small_snapshot(5000), *ledger.ask_marker());
  CHECK(facts(ledger).available == model::Money{5000});

  REQUIRE(outcome(ledger.send_again(pour_id(1), "anna", at(33))) == "ok");
  CHECK(facts(ledger).available == model::Money{4500});
}

TEST_CASE("the charges of one guest are not another's", "[cache][balance]") {
  Bar bar;
  model::Snapshot snapshot = small_snapshot();
  snapshot.guests.push_back({guest(2), "Bert", model::Money{100}, true});
  snapshot.cards.push_back({card(2), guest(2), CardStatus::active});
  hear(bar.ledger(), snapshot);
  pour(bar.ledger(), 1, 1000);
  CHECK(facts(bar.ledger(), 1).available == model::Money{4500});
  CHECK(facts(bar.ledger(), 2).available == model::Money{100});
}

TEST_CASE("a card refused online stays refused until a later word", "[cache][cards]") {
  Bar bar;
  auto& ledger = bar.ledger();
  const CardStatus refusal = GENERATE(CardStatus::lost, CardStatus::inactive);
  hear(ledger, small_snapshot());
  const storage::Marker before = *ledger.ask_marker();
  REQUIRE(outcome(ledger.hear_card_status(card(1), refusal, at(8))) == "ok");
  const auto status = [&] { return facts(bar.ledger()).card->status; };
  CHECK(status() == refusal);

  hear(ledger, small_snapshot(4000), before, 9);
  CHECK(status() == refusal);
  authorize(ledger, 4000, before);
  CHECK(status() == refusal);
  REQUIRE(outcome(ledger.hear_card_status(card(1), CardStatus::active, at(9))) == "ok");
  CHECK(status() == refusal);
  bar.reopen();
  CHECK(status() == refusal);

  SECTION("of a snapshot") {
    hear(bar.ledger(), small_snapshot(4000), *bar.ledger().ask_marker(), 10);
    CHECK(status() == CardStatus::active);
  }
  SECTION("of a snapshot, which may say the same") {
    model::Snapshot same = small_snapshot();
    same.cards[0].status = refusal;
    hear(bar.ledger(), same, *bar.ledger().ask_marker(), 10);
    CHECK(status() == refusal);
  }
  SECTION("of an authorization") {
    authorize(bar.ledger(), 4000, *bar.ledger().ask_marker());
    CHECK(status() == CardStatus::active);
  }
}

TEST_CASE("a refused card that nobody knew is kept as well", "[cache][cards]") {
  Bar bar;
  auto& ledger = bar.ledger();
  REQUIRE(outcome(ledger.hear_card_status(card(9), CardStatus::lost, at(8))) == "ok");
  CHECK(facts(ledger, 9).card->status == CardStatus::lost);
  hear(ledger, small_snapshot(), 0);
  CHECK(facts(ledger, 9).card->status == CardStatus::lost);
  hear(ledger, small_snapshot(), *ledger.ask_marker());
  CHECK_FALSE(facts(ledger, 9).card.has_value());
  CHECK_THAT(outcome(ledger.hear_card_status({}, CardStatus::lost, at(8))), StartsWith("refused"));
}

TEST_CASE("the same refusal again is not written again", "[cache][cards][wear]") {
  FaultyDisk disk;
  TempDir folder;
  storage::Ledger ledger{{folder / "tap.db", disk.name(), this_boot}};
  REQUIRE(outcome(ledger.hear_card_status(card(1), CardStatus::lost, at(8))) == "ok");
  const std::size_t before = disk.operations();
  for (int i = 0; i < 50; ++i) {
    REQUIRE(outcome(ledger.hear_card_status(card(1), CardStatus::lost, at(9 + i))) == "ok");
  }
  CHECK(disk.operations() == before);
}
