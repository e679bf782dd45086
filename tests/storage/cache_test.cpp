#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/storage/bar.hpp"
#include "tests/storage/faulty_disk.hpp"
#include "tests/storage/told.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::StartsWith;
using model::CardStatus;

TEST_CASE("a snapshot answers everything about a card at a tap", "[cache]") {
  Bar bar;
  hear(bar.ledger(), small_snapshot());
  bar.reopen();
  const auto known = facts(bar.ledger());
  REQUIRE(known.card.has_value());
  CHECK(known.card->status == CardStatus::active);
  CHECK(known.card->guest_id == guest(1));
  REQUIRE(known.guest.has_value());
  CHECK(known.guest->first_name == "Anna");
  CHECK(known.guest->active);
  CHECK(known.guest->balance == model::Money{5000});
  CHECK(known.available == model::Money{5000});
  REQUIRE(known.heard_at.has_value());
  CHECK(known.heard_at->since_boot == at(5).since_boot);
  CHECK(known.heard_at->wall == at(5).wall);
  CHECK(known.heard_boot == this_boot);
  REQUIRE(known.tap.has_value());
  CHECK(known.tap->display_name == "Tap 1");
  CHECK(known.tap->status == model::TapStatus::active);
  REQUIRE(known.keg.has_value());
  CHECK(known.keg->current_volume == model::Volume::millilitres(12'000));
  CHECK(known.keg->initial_volume == model::Volume::millilitres(30'000));
  CHECK(known.keg->status == model::KegStatus::in_use);
  REQUIRE(known.beverage.has_value());
  CHECK(known.beverage->name == "Pils");
  CHECK(known.beverage->price == model::LitrePrice{500});
  CHECK_FALSE(known.emergency_stop);
  CHECK(bar.ledger().taps()->size() == 1);
}

TEST_CASE("what nobody told is not known", "[cache]") {
  Bar bar;
  const auto nothing = facts(bar.ledger());
  CHECK_FALSE(nothing.card.has_value());
  CHECK_FALSE(nothing.guest.has_value());
  CHECK_FALSE(nothing.heard_at.has_value());
  CHECK(nothing.available == model::Money{});
  CHECK_FALSE(nothing.tap.has_value());
  CHECK_FALSE(nothing.keg.has_value());

  model::Snapshot dangling = small_snapshot();
  dangling.guests.clear();
  dangling.kegs.clear();
  hear(bar.ledger(), dangling);
  CHECK(facts(bar.ledger()).card.has_value());
  CHECK_FALSE(facts(bar.ledger()).guest.has_value());
  CHECK(facts(bar.ledger()).tap.has_value());
  CHECK_FALSE(facts(bar.ledger()).keg.has_value());
}

TEST_CASE("a snapshot replaces the one before", "[cache]") {
  Bar bar;
  auto& ledger = bar.ledger();
  model::Snapshot first = small_snapshot();
  for (int number = 2; number <= 5; ++number) {
    first.guests.push_back({guest(number), "Guest", model::Money{100}, true});
    first.cards.push_back({card(number), guest(number), CardStatus::active});
    first.taps.push_back({model::TapId{number}, std::nullopt, "Tap", model::TapStatus::active});
  }
  first.system_states = {{"happy_hour", "true"}};
  hear(ledger, first);

  model::Snapshot second = small_snapshot();
  second.guests = {{guest(4), "Dora", model::Money{-300}, false},
                   {guest(6), "Emil", model::Money{900}, true}};
  second.cards = {{card(4), guest(4), CardStatus::lost},
                  {card(6), guest(6), CardStatus::active},
                  {card(7), std::nullopt, CardStatus::inactive}};
  second.taps = {{model::TapId{3}, keg(1), "Tap 3", model::TapStatus::cleaning},
                 {model::TapId{12}, std::nullopt, "Tap 12", model::TapStatus::empty}};
  second.kegs[0].current_volume = model::Volume::millilitres(-20);
  hear(ledger, second);

  CHECK_FALSE(facts(ledger, 1).card.has_value());
  CHECK(facts(ledger, 4).card->status == CardStatus::lost);
  CHECK_FALSE(facts(ledger, 4).guest->active);
  CHECK(facts(ledger, 4).available == model::Money{-300});
  CHECK(facts(ledger, 6).available == model::Money{900});
  CHECK_FALSE(facts(ledger, 7).card->guest_id.has_value());
  CHECK(ledger.taps()->size() == 2);
  CHECK(ledger.taps()->at(1).id == model::TapId{12});
  const auto at_three = ledger.facts(card(6), model::TapId{3});
  CHECK(at_three->tap->status == model::TapStatus::cleaning);
  CHECK(at_three->keg->current_volume == model::Volume{});
  bar.close();
  CHECK(bar.value("SELECT count(*) FROM guests") == "2");
  CHECK(bar.value("SELECT count(*) FROM cards") == "3");
  CHECK(bar.value("SELECT count(*) FROM system_states") == "0");
}

TEST_CASE("a snapshot with nonsense in it changes nothing", "[cache]") {
  Bar bar;
  hear(bar.ledger(), small_snapshot());
  model::Snapshot bad = small_snapshot(1);
  SECTION("a tap that cannot be") {
    bad.taps.push_back({model::TapId{5000}, std::nullopt, "Tap", model::TapStatus::active});
  }
  SECTION("a negative price") {
    bad.beverages[0].price = model::LitrePrice{-1};
  }
  SECTION("a keg of negative size") {
    bad.kegs[0].initial_volume = model::Volume::millilitres(-1);
  }
  SECTION("a keg of a million litres") {
    bad.kegs[0].current_volume = model::Volume::microlitres(INT64_MAX);
  }
  SECTION("a balance beyond all money") {
    bad.guests[0].balance = model::Money{INT64_MIN};
  }
  SECTION("a guest without a name for the system") {
    bad.guests[0].id = {};
  }
  SECTION("a card without a UID") {
    bad.cards[0].uid = {};
  }
  CHECK_THAT(outcome(bar.ledger().apply_snapshot(bad, 0, at(7), this_boot)), StartsWith("refused"));
  CHECK(facts(bar.ledger()).available == model::Money{5000});
  CHECK(facts(bar.ledger()).heard_at->since_boot == at(5).since_boot);
}

TEST_CASE("of two entries with one key the last counts", "[cache]") {
  Bar bar;
  model::Snapshot snapshot = small_snapshot();
  snapshot.cards.push_back({card(1), guest(1), CardStatus::lost});
  hear(bar.ledger(), snapshot);
  CHECK(facts(bar.ledger()).card->status == CardStatus::lost);
}

TEST_CASE("an idle snapshot writes nothing, and yet its balances stay fresh", "[cache][wear]") {
  FaultyDisk disk;
  TempDir folder;
  storage::Ledger ledger{{folder / "tap.db", disk.name(), this_boot}};
  hear(ledger, small_snapshot());
  const std::size_t before = disk.operations();
  for (int second = 6; second < 600; ++second) {
    if (second % 2 == 0) hear(ledger, small_snapshot(), 0, second);
    if (second % 2 == 1) {
      REQUIRE(outcome(ledger.snapshot_unchanged(0, at(second), this_boot)) == "ok");
    }
    REQUIRE(facts(ledger).heard_at->since_boot == at(second).since_boot);
  }
  CHECK(disk.operations() == before);

  // Once a day it is written down, so that a power cut does not make it look old for ever.
  constexpr int day = 24 * 3'600;
  hear(ledger, small_snapshot(), 0, day);
  CHECK(disk.operations() == before);
  hear(ledger, small_snapshot(), 0, day + 5);
  const std::size_t after = disk.operations();
  CHECK(after > before);
  hear(ledger, small_snapshot(), 0, day + 7);
  CHECK(disk.operations() == after);
}

TEST_CASE("a pour writes down how fresh the balances are, once in ten minutes", "[cache]") {
  Bar bar;
  const auto written = [&bar] {
    return bar.value_after_cut("SELECT snapshot_heard_mono_ns / 1000000000 FROM server_knowledge");
  };
  hear(bar.ledger(), small_snapshot(), 0, 5);
  hear(bar.ledger(), small_snapshot(), 0, 604);
  pour(bar.ledger(), 1, 100);
  CHECK(facts(bar.ledger()).heard_at->since_boot == at(604).since_boot);
  CHECK(written() == "5");
  hear(bar.ledger(), small_snapshot(), 0, 606);
  CHECK(written() == "5");
  pour(bar.ledger(), 2, 100);
  CHECK(written() == "606");
}

TEST_CASE("a clean end keeps how fresh the balances are", "[cache]") {
  Bar bar;
  hear(bar.ledger(), small_snapshot(), 0, 5);
  hear(bar.ledger(), small_snapshot(), 0, 300);
  bar.reopen(next_boot);
  CHECK(facts(bar.ledger()).heard_at->since_boot == at(300).since_boot);
  CHECK(facts(bar.ledger()).heard_boot == this_boot);
  REQUIRE(outcome(bar.ledger().snapshot_unchanged(0, at(2), next_boot)) == "ok");
  CHECK(facts(bar.ledger()).heard_boot == next_boot);
  bar.reopen(next_boot);
  CHECK(facts(bar.ledger()).heard_boot == next_boot);
}

TEST_CASE("only a snapshot that was applied can still hold", "[cache]") {
  Bar bar;
  CHECK_THAT(outcome(bar.ledger().snapshot_unchanged(0, at(5), this_boot)), StartsWith("refused"));
  const auto undone = bar.ledger().in_one_commit([&]() -> storage::Result<> {
    hear(bar.ledger(), small_snapshot());
    return tl::make_unexpected(storage::Error{storage::Error::Kind::refused, "no"});
  });
  CHECK_FALSE(undone.has_value());
  CHECK_FALSE(facts(bar.ledger()).card.has_value());
  CHECK_THAT(outcome(bar.ledger().snapshot_unchanged(0, at(5), this_boot)), StartsWith("refused"));
}

TEST_CASE("ten thousand guests are applied, and one of them changed", "[cache][size]") {
  Bar bar;
  constexpr int guests = 10'000;
  model::Snapshot snapshot = small_snapshot();
  for (int number = 2; number <= guests; ++number) {
    // Not in order: the server promises none.
    const std::int64_t mixed = (number * 7919L) % 100'003;
    snapshot.guests.push_back(
        {guest(mixed), fmt::format("Guest {}", mixed), model::Money{mixed}, true});
    snapshot.cards.push_back({card(mixed), guest(mixed), CardStatus::active});
  }
  hear(bar.ledger(), snapshot, 0, 5);
  hear(bar.ledger(), snapshot, 0, 7);
  snapshot.guests[5000].balance = model::Money{1};
  hear(bar.ledger(), snapshot, 0, 9);
  bar.close();
  CHECK(bar.value("SELECT count(*) FROM guests") == std::to_string(guests));
  CHECK(bar.value("SELECT balance_cents FROM guests WHERE guest_id = '" +
                  snapshot.guests[5000].id.text() + "'") == "1");
}

TEST_CASE("an emergency stop holds unless the server's word is a plain no", "[cache]") {
  Bar bar;
  auto& ledger = bar.ledger();
  CHECK_FALSE(*ledger.emergency_stop());
  model::Snapshot snapshot = small_snapshot();
  const std::vector<std::pair<std::string, bool>> words{
      {"true", true},   {"false", false}, {"1", true},    {"0", false},      {"TRUE", true},
      {"False", false}, {"on", true},     {"off", false}, {"perhaps", true}, {"", false}};
  for (const auto& [word, stop] : words) {
    CAPTURE(word);
    snapshot.system_states = {{"emergency_stop_enabled", word}, {"other", "true"}};
    hear(ledger, snapshot);
    CHECK(*ledger.emergency_stop() == stop);
    CHECK(facts(ledger).emergency_stop == stop);
  }
  REQUIRE(outcome(ledger.hear_system_state({"emergency_stop", "true"}, at(9))) == "ok");
  CHECK(*ledger.emergency_stop());
  CHECK_THAT(outcome(ledger.hear_system_state({"", "true"}, at(9))), StartsWith("refused"));
}

TEST_CASE("whoever may spend is listed once, in parts, with what is available", "[cache]") {
  Bar bar;
  auto snapshot = small_snapshot(5000);
  snapshot.guests.push_back({guest(2), "Ben", model::Money{700}, true});
  snapshot.guests.push_back({guest(3), "Cleo", model::Money{900}, true});
  snapshot.cards.push_back({card(2), guest(2), model::CardStatus::active});
  snapshot.cards.push_back({card(3), guest(3), model::CardStatus::lost});
  snapshot.cards.push_back({card(4), guest(1), model::CardStatus::active});
  hear(bar.ledger(), snapshot);
  REQUIRE(outcome(bar.ledger().begin_pour(beginning(1), this_boot)) == "ok");
  const auto first = bar.ledger().spenders({}, 1);
  REQUIRE(outcome(first) == "ok");
  REQUIRE(first->size() == 1);
  CHECK(first->front().available == model::Money{4000});
  const auto rest = bar.ledger().spenders(*first->front().card->guest_id, 10);
  REQUIRE(rest->size() == 1);
  CHECK(rest->front().guest->first_name == "Ben");
  CHECK(bar.ledger().queue_counts()->held == model::Money{1000});
}
