// What is at stake on cached balances counts whom the policy would let pour, and nobody else.
#include <catch2/catch_test_macros.hpp>

#include "daemon/exposure.hpp"

using namespace tapd;
using namespace std::chrono_literals;

namespace {

const model::BootId boot{"11111111-2222-4333-8444-555555555555"};

model::AuthorizationFacts spender(std::int64_t available, std::chrono::hours heard) {
  model::AuthorizationFacts facts;
  const model::GuestId guest{"ann"};
  facts.card =
      model::Card{model::CardUid::parse("04ab7815").value(), guest, model::CardStatus::active};
  facts.guest = model::Guest{guest, "Ann", model::Money{available}, true};
  facts.available = model::Money{available};
  facts.heard_at = model::Moment{heard, {}, false};
  facts.heard_boot = boot;
  return facts;
}

}  // namespace

TEST_CASE("cached balances count as far as the policy lets them be spent", "[exposure]") {
  PolicyRules rules;
  rules.oldest_balance = 72h;
  const model::Moment now{100h, {}, false};
  std::vector<model::AuthorizationFacts> guests{spender(2500, 90h), spender(-300, 90h),
                                                spender(7000, 1h), spender(1, 99h)};
  guests.push_back(spender(900, 99h));
  guests.back().guest->active = false;
  CHECK(spendable_offline(rules, guests, now, boot) == model::Money{2501});
  rules.offline.per_guest = model::Money{2000};
  CHECK(spendable_offline(rules, guests, now, boot) == model::Money{2001});
  rules.offline.controller = model::Money{1500};
  CHECK(spendable_offline(rules, guests, now, boot) == model::Money{1500});
  rules.sell_offline = false;
  CHECK(spendable_offline(rules, guests, now, boot) == model::Money{0});
  CHECK(spendable_offline(PolicyRules{}, {}, now, boot) == model::Money{0});
}
