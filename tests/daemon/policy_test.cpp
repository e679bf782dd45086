#include "daemon/core/policy.hpp"

#include <random>

#include <catch2/catch_test_macros.hpp>

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
const model::BootId this_boot{"boot-1"};
const model::BootId earlier_boot{"boot-0"};

model::Moment at(model::SinceBoot since_boot) {
  return {.since_boot = since_boot,
          .wall = model::WallTime{std::chrono::hours{500'000}},
          .wall_trusted = true};
}

/// A guest with 10.00 at an active tap whose beer costs 5.00 a litre.
model::AuthorizationFacts usual() {
  model::AuthorizationFacts facts;
  const model::GuestId guest{"g"};
  const model::KegId keg{"k"};
  facts.card = model::Card{.uid = *model::CardUid::parse("04ab7815cd6b80"), .guest_id = guest};
  facts.guest = model::Guest{.id = guest, .first_name = "Ann", .balance = model::Money{1000}};
  facts.heard_at = at(1h);
  facts.heard_boot = this_boot;
  facts.available = model::Money{1000};
  facts.tap = model::Tap{.id = model::TapId{1}, .keg_id = keg, .display_name = "Tap 1"};
  facts.keg = model::Keg{.id = keg,
                         .beverage_id = model::BeverageId{"b"},
                         .initial_volume = model::Volume::millilitres(50'000),
                         .current_volume = model::Volume::millilitres(30'000)};
  facts.beverage = model::Beverage{.id = model::BeverageId{"b"},
                                   .name = "Lager",
                                   .brewery = "",
                                   .style = "",
                                   .price = model::LitrePrice{500}};
  return facts;
}

Decision offline(const model::AuthorizationFacts& facts, const PolicyRules& rules = {}) {
  return decide_offline(rules, facts, std::nullopt, at(2h), this_boot);
}

DenialReason refused(const Decision& decision) {
  REQUIRE(std::holds_alternative<Denial>(decision));
  return std::get<Denial>(decision).reason;
}

}  // namespace

TEST_CASE("the cached balance bounds the pour", "[policy]") {
  auto facts = usual();
  facts.available = model::Money{200};  // 0.4 l at 5.00 a litre
  const Decision decision = offline(facts);
  REQUIRE(std::holds_alternative<Grant>(decision));
  const Grant& grant = std::get<Grant>(decision);
  // 401 ml would be 2.005, which is billed as 2.01.
  CHECK(grant.limit == model::Volume::millilitres(400));
  CHECK(grant.hold <= model::Money{200});
  CHECK(grant.by == model::AuthorizedBy::cache);
}

TEST_CASE("each refusal has its own reason", "[policy]") {
  auto facts = usual();
  PolicyRules rules;
  SECTION("unknown card") {
    facts.card.reset();
    facts.guest.reset();
    CHECK(refused(offline(facts)) == DenialReason::unknown_card);
  }
  SECTION("a lost card is refused whatever its balance") {
    facts.card->status = model::CardStatus::lost;
    CHECK(refused(offline(facts)) == DenialReason::lost_card);
    const ServerLeave leave{.guest_id = facts.guest->id,
                            .guest_first_name = "Ann",
                            .most = model::Volume::millilitres(500),
                            .price = std::nullopt};
    CHECK(refused(decide_online(rules, facts, leave, std::nullopt, at(2h), this_boot)) ==
          DenialReason::lost_card);
  }
  SECTION("inactive card") {
    facts.card->status = model::CardStatus::inactive;
    CHECK(refused(offline(facts)) == DenialReason::inactive_card);
  }
  SECTION("inactive guest") {
    facts.guest->active = false;
    CHECK(refused(offline(facts)) == DenialReason::inactive_guest);
  }
  SECTION("too little to start") {
    facts.available = model::Money{24};
    CHECK(refused(offline(facts)) == DenialReason::insufficient_funds);
  }
  SECTION("a balance below zero") {
    facts.available = model::Money{-300};
    CHECK(refused(offline(facts)) == DenialReason::insufficient_funds);
  }
  SECTION("a balance heard too long ago in this boot") {
    rules.oldest_balance = std::chrono::hours{0};
    CHECK(refused(offline(facts, rules)) == DenialReason::balance_too_old);
  }
  SECTION("a balance heard too long ago in an earlier boot, by a trusted clock") {
    facts.heard_boot = earlier_boot;
    facts.heard_at->wall -= std::chrono::hours{73};
    CHECK(refused(offline(facts)) == DenialReason::balance_too_old);
  }
  SECTION("a balance that was never heard") {
    facts.heard_at.reset();
    CHECK(refused(offline(facts)) == DenialReason::balance_too_old);
  }
  SECTION("selling offline is switched off") {
    rules.sell_offline = false;
    CHECK(refused(offline(facts, rules)) == DenialReason::offline_not_allowed);
  }
}

TEST_CASE("within a boot the age of a balance is monotonic time, whatever the clock says",
          "[policy][clock]") {
  const auto on_a_clock_off_by = [](std::chrono::hours error, model::SinceBoot since_boot) {
    model::Moment now = at(since_boot);
    now.wall += error;
    return decide_offline({}, usual(), std::nullopt, now, this_boot);
  };
  for (const std::chrono::hours error : {-400'000h, -100h, 0h, 100h, 90'000h}) {
    CAPTURE(error.count());
    CHECK(std::holds_alternative<Grant>(on_a_clock_off_by(error, 1h + 72h)));
    CHECK(refused(on_a_clock_off_by(error, 1h + 72h + 1ms)) == DenialReason::balance_too_old);
  }
}

TEST_CASE("a balance of an earlier boot is aged by trusted clocks only", "[policy][clock]") {
  auto facts = usual();
  facts.heard_boot = earlier_boot;
  model::Moment now = at(2h);
  now.wall += 73h;
  const auto decide = [&] { return decide_offline({}, facts, std::nullopt, now, this_boot); };
  CHECK(refused(decide()) == DenialReason::balance_too_old);
  now.wall_trusted = false;
  CHECK(std::holds_alternative<Grant>(decide()));
  now.wall_trusted = true;
  facts.heard_at->wall_trusted = false;
  CHECK(std::holds_alternative<Grant>(decide()));
}

TEST_CASE("the dearest price and the largest balance there can be overflow nothing", "[policy]") {
  auto facts = usual();
  facts.beverage->price = model::largest_litre_price;
  CHECK(refused(offline(facts)) == DenialReason::offline_guest_limit);
  PolicyRules rules;
  rules.offline = {.per_guest = model::largest_amount,
                   .pours_per_guest = 10,
                   .controller = model::largest_amount};
  CHECK(refused(offline(facts, rules)) == DenialReason::insufficient_funds);
  facts.available = model::largest_amount;
  rules.largest_pour = model::Volume::largest();
  facts.keg->current_volume = model::Volume::largest();
  const Grant grant = std::get<Grant>(offline(facts, rules));
  CHECK(grant.hold == model::largest_amount);
  CHECK(grant.limit == model::Volume::millilitres(10'000));
}

TEST_CASE("what the cache allowed and nobody has confirmed is bounded", "[policy]") {
  auto facts = usual();
  PolicyRules rules;
  rules.offline = {
      .per_guest = model::Money{800}, .pours_per_guest = 3, .controller = model::Money{5'000}};
  facts.offline_guest = {.pours = 2, .spent = model::Money{300}};
  facts.offline_controller = {.pours = 9, .spent = model::Money{1'000}};
  SECTION("by what is left for the guest, although the balance would allow more") {
    const Grant grant = std::get<Grant>(offline(facts, rules));
    CHECK(grant.hold == model::Money{500});
  }
  SECTION("by what is left for the controller") {
    facts.offline_controller.spent = model::Money{4'900};
    const Grant grant = std::get<Grant>(offline(facts, rules));
    CHECK(grant.hold == model::Money{100});
  }
  SECTION("by how often the guest has poured") {
    facts.offline_guest.pours = 3;
    CHECK(refused(offline(facts, rules)) == DenialReason::offline_guest_limit);
  }
  SECTION("by too little left for a start") {
    facts.offline_guest.spent = model::Money{776};
    CHECK(refused(offline(facts, rules)) == DenialReason::offline_guest_limit);
    facts.offline_guest.spent = model::Money{775};
    CHECK(std::get<Grant>(offline(facts, rules)).limit == rules.smallest_start);
  }
  SECTION("by too little left for all") {
    facts.offline_controller.spent = model::Money{4'976};
    CHECK(refused(offline(facts, rules)) == DenialReason::offline_exposure);
  }
  SECTION("but not while the server says yes") {
    facts.offline_guest = {.pours = 100, .spent = model::Money{100'000}};
    facts.offline_controller = facts.offline_guest;
    const ServerLeave leave{.guest_id = facts.guest->id,
                            .guest_first_name = "Ann",
                            .most = model::Volume::millilitres(500),
                            .price = {}};
    CHECK(std::holds_alternative<Grant>(
        decide_online(rules, facts, leave, std::nullopt, at(2h), this_boot)));
  }
}

TEST_CASE("a pour has a ceiling in money as well", "[policy]") {
  PolicyRules rules;
  rules.dearest_pour = model::Money{200};
  CHECK(std::get<Grant>(offline(usual(), rules)).hold == model::Money{200});
}

TEST_CASE("what forbids the tap to sell has its own reason too", "[policy]") {
  auto facts = usual();
  SECTION("emergency stop") {
    facts.emergency_stop = true;
    CHECK(refused(offline(facts)) == DenialReason::emergency_stop);
  }
  SECTION("a tap that the venue locked") {
    facts.tap->status = model::TapStatus::cleaning;
    CHECK(refused(offline(facts)) == DenialReason::tap_not_active);
  }
  SECTION("no keg") {
    facts.tap->keg_id.reset();
    CHECK(refused(offline(facts)) == DenialReason::no_keg);
  }
  SECTION("an empty keg") {
    facts.keg->current_volume = model::Volume::millilitres(10);
    CHECK(refused(offline(facts)) == DenialReason::no_keg);
  }
  SECTION("no price") {
    facts.beverage.reset();
    CHECK(refused(offline(facts)) == DenialReason::no_price);
  }
}

TEST_CASE("the server's leave is bounded by what only this controller knows", "[policy]") {
  auto facts = usual();
  facts.available = model::Money{100};  // pours that the server has not seen are taken off
  const ServerLeave leave{.guest_id = facts.guest->id,
                          .guest_first_name = "Ann",
                          .most = model::Volume::millilitres(900),
                          .price = model::LitrePrice{1000}};
  const Decision decision = decide_online({}, facts, leave, std::nullopt, at(2h), this_boot);
  REQUIRE(std::holds_alternative<Grant>(decision));
  CHECK(std::get<Grant>(decision).limit == model::Volume::millilitres(100));
  CHECK(std::get<Grant>(decision).price == model::LitrePrice{1000});
}

// Found by reading: the venue allows it, and tapd refused the guest or shut the valve before.
TEST_CASE("what the venue allows beyond the balance counts while the server gives the leave",
          "[policy]") {
  auto facts = usual();
  facts.available = model::Money{0};
  ServerLeave leave{.guest_id = facts.guest->id,
                    .guest_first_name = "Ann",
                    .most = model::Volume::millilitres(380),
                    .price = model::LitrePrice{1290}};
  leave.overdraft = model::Money{500};
  const auto decide = [&] {
    return decide_online({}, facts, leave, std::nullopt, at(2h), this_boot);
  };
  const Decision whole = decide();
  REQUIRE(std::holds_alternative<Grant>(whole));
  CHECK(std::get<Grant>(whole).limit == leave.most);
  CHECK(std::get<Grant>(whole).overdraft == model::Money{500});
  // Pours that the server has not seen have used it up in part, or wholly.
  facts.available = model::Money{-300};
  const Decision part = decide();
  REQUIRE(std::holds_alternative<Grant>(part));
  CHECK(std::get<Grant>(part).hold <= model::Money{200});
  facts.available = model::Money{-500};
  CHECK(refused(decide()) == DenialReason::insufficient_funds);
  // What this guest has poured meanwhile is not counted here.
  facts.available = model::Money{0};
  facts.guest.reset();
  CHECK(refused(decide()) == DenialReason::insufficient_funds);
  facts = usual();
  facts.available = model::Money{0};
  CHECK(refused(offline(facts)) == DenialReason::insufficient_funds);
}

TEST_CASE("a server that tells no litre price has its limit obeyed at its rounded price",
          "[policy]") {
  auto facts = usual();
  facts.beverage.reset();
  ServerLeave leave{.guest_id = facts.guest->id,
                    .guest_first_name = "Ann",
                    .most = model::Volume::millilitres(150),
                    .price = std::nullopt,
                    .rounded_price = model::LitrePrice{2000}};
  const auto decide = [&](std::optional<model::LitrePrice> own_price) {
    return decide_online({}, facts, leave, own_price, at(2h), this_boot);
  };
  const Decision about = decide(std::nullopt);
  REQUIRE(std::holds_alternative<Grant>(about));
  CHECK(std::get<Grant>(about).price == model::LitrePrice{2000});
  CHECK(std::get<Grant>(about).price_is_about);
  CHECK(std::get<Grant>(about).limit <= leave.most);
  const Decision exact = decide(model::LitrePrice{1290});
  REQUIRE(std::holds_alternative<Grant>(exact));
  CHECK(std::get<Grant>(exact).price == model::LitrePrice{1290});
  CHECK_FALSE(std::get<Grant>(exact).price_is_about);
  leave.rounded_price = {};
  CHECK(refused(decide(std::nullopt)) == DenialReason::no_price);
}

TEST_CASE("no grant ever costs more than the balance, nor exceeds any bound", "[policy]") {
  std::mt19937_64 random{20'261'121};
  for (int i = 0; i < 20'000; ++i) {
    auto facts = usual();
    facts.available = model::Money{static_cast<std::int64_t>(random() % 20'000) - 2'000};
    facts.beverage->price = model::LitrePrice{static_cast<std::int64_t>(random() % 5'000)};
    facts.keg->current_volume =
        model::Volume::millilitres(static_cast<std::int64_t>(random() % 2'000));
    PolicyRules rules;
    rules.largest_pour =
        model::Volume::millilitres(static_cast<std::int64_t>(50 + random() % 2'000));
    const Decision decision = offline(facts, rules);
    const Grant* grant = std::get_if<Grant>(&decision);
    if (grant == nullptr) continue;
    REQUIRE(grant->hold <= facts.available);
    REQUIRE(model::price_of(grant->limit, grant->price) == grant->hold);
    REQUIRE(grant->limit <= rules.largest_pour);
    REQUIRE(grant->limit <= facts.keg->current_volume);
    REQUIRE(grant->limit >= rules.smallest_start);
  }
}

TEST_CASE("staff's card is known by its guest, however the id's letters were written", "[policy]") {
  PolicyRules rules;
  rules.staff_guests = {model::GuestId{"A0000000-0000-4000-8000-00000000000F"}};
  const auto card = *model::CardUid::parse("04ab7815cd6b80");
  model::AuthorizationFacts facts;
  facts.card = model::Card{.uid = card, .guest_id = {}};
  CHECK_FALSE(is_staff(rules, card, facts));
  facts.card->guest_id = model::GuestId{"a0000000-0000-4000-8000-00000000000f"};
  CHECK(is_staff(rules, card, facts));
  facts.card->guest_id = model::GuestId{"a0000000-0000-4000-8000-000000000000"};
  CHECK_FALSE(is_staff(rules, card, facts));
}

}  // namespace tapd::test
