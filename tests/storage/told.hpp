// What a venue server tells in the tests of the cache, and what the ledger then answers.
#pragma once

#include <catch2/catch_test_macros.hpp>

#include "tests/storage/bar.hpp"

namespace tapd::test {

inline const model::TapId tap_one{1};

// One guest with one card, tap 1 with keg and beverage.
inline model::Snapshot small_snapshot(std::int64_t balance = 5000) {
  model::Snapshot snapshot;
  snapshot.revision = 1;
  snapshot.beverages = {
      {model::BeverageId{"pils"}, "Pils", "Brewery", "Lager", model::LitrePrice{500}}};
  snapshot.kegs = {{keg(1), model::BeverageId{"pils"}, model::Volume::millilitres(30'000),
                    model::Volume::millilitres(12'000), model::KegStatus::in_use}};
  snapshot.taps = {{tap_one, keg(1), "Tap 1", model::TapStatus::active}};
  snapshot.guests = {{guest(1), "Anna", model::Money{balance}, true}};
  snapshot.cards = {{card(1), guest(1), model::CardStatus::active}};
  return snapshot;
}

inline void hear(storage::Ledger& ledger, const model::Snapshot& snapshot,
                 storage::Marker asked = 0, std::int64_t second = 5) {
  REQUIRE(outcome(ledger.apply_snapshot(snapshot, asked, at(second), this_boot)) == "ok");
}

inline void authorize(storage::Ledger& ledger, std::int64_t balance, storage::Marker asked = 0,
                      std::int64_t second = 6) {
  REQUIRE(outcome(ledger.hear_balance(
              {card(1), guest(1), "Anna", model::Money{balance}, asked, at(second)}, this_boot)) ==
          "ok");
}

inline storage::AuthorizationFacts facts(storage::Ledger& ledger, std::int64_t number = 1) {
  const auto facts = ledger.facts(card(number), tap_one);
  REQUIRE(outcome(facts) == "ok");
  return *facts;
}

}  // namespace tapd::test
