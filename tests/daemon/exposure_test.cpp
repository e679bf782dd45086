// What is at stake on cached balances counts whom the policy would let pour, and nobody else.
#include <catch2/catch_test_macros.hpp>

#include "daemon/exposure.hpp"
#include "tests/storage/random.hpp"

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
  rules.sell_offline = false;
  CHECK(spendable_offline(rules, guests, now, boot) == model::Money{0});
  CHECK(spendable_offline(PolicyRules{}, {}, now, boot) == model::Money{0});
}

TEST_CASE("what was poured offline already is no longer at stake as a balance", "[exposure]") {
  PolicyRules rules;
  rules.offline = {
      .per_guest = model::Money{2000}, .pours_per_guest = 3, .controller = model::Money{5000}};
  const model::Moment now{100h, {}, false};
  model::AuthorizationFacts ann = spender(9000, 99h);
  ann.offline_guest = {.pours = 2, .spent = model::Money{1500}};
  CHECK(spendable_offline(rules, {ann}, now, boot) == model::Money{500});
  ann.offline_guest.pours = 3;
  CHECK(spendable_offline(rules, {ann}, now, boot) == model::Money{0});
  ann.offline_guest = {.pours = 1, .spent = model::Money{2600}};
  CHECK(spendable_offline(rules, {ann}, now, boot) == model::Money{0});
  CHECK(within_exposure(rules, model::Money{700}, {4, model::Money{4000}}) == model::Money{700});
  CHECK(within_exposure(rules, model::Money{700}, {4, model::Money{4600}}) == model::Money{400});
  CHECK(within_exposure(rules, model::Money{700}, {4, model::Money{5001}}) == model::Money{0});
}

// The guests pour, offline, until the policy stops the last of them: they never get more than was
// said before, and all of it when nothing but money stopped them.
TEST_CASE("what is at stake is what guests can really pour", "[exposure][property]") {
  const model::Moment now{100h, {}, false};
  constexpr model::LitrePrice price{1'000};  // A cent a millilitre.
  test::Random random{20'261'121};
  for (int round = 0; round < 400; ++round) {
    PolicyRules rules;
    rules.smallest_start = model::Volume::millilitres(1);
    rules.largest_pour = model::Volume::millilitres(random.between(1, 3'000));
    rules.offline = {.per_guest = model::Money{random.between(0, 4'000)},
                     .pours_per_guest = random.between(1, 40),
                     .controller = model::Money{random.between(0, 9'000)}};
    std::vector<model::AuthorizationFacts> guests;
    model::OfflineSpending everybody{3, model::Money{random.between(0, 3'000)}};
    for (std::int64_t i = random.between(0, 4); i > 0; --i) {
      guests.push_back(spender(random.between(-500, 6'000), 99h));
      guests.back().offline_guest = {random.between(0, 3), model::Money{random.between(0, 2'000)}};
    }
    const model::Money said =
        within_exposure(rules, spendable_offline(rules, guests, now, boot), everybody);
    model::Money poured;
    bool counted_out = false;
    for (model::AuthorizationFacts& guest : guests) {
      for (;;) {
        guest.offline_controller = everybody;
        const Decision decision = decide_offline(rules, guest, price, now, boot);
        const auto* const grant = std::get_if<Grant>(&decision);
        if (grant == nullptr) break;
        poured += grant->hold;
        guest.available -= grant->hold;
        for (model::OfflineSpending* sum : {&guest.offline_guest, &everybody}) {
          ++sum->pours;
          sum->spent += grant->hold;
        }
      }
      counted_out |= guest.offline_guest.pours >= rules.offline.pours_per_guest;
    }
    CAPTURE(round, poured.minor_units(), said.minor_units());
    CHECK(poured <= said);
    if (!counted_out) CHECK(poured == said);
  }
}
