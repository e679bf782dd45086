#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <future>
#include <nlohmann/json.hpp>

#include "tests/central/bar_fixture.hpp"

using namespace tapd::central;
using nlohmann::json;

namespace {

/// "403 lost_card card_lost": status, reason and cause of a refusal.
std::string refusal_of(const Answer& answer) {
  if (!answer.body.is_object() || !answer.body["detail"].is_object()) return answer.text;
  const json& detail = answer.body["detail"];
  const json context = detail.value("context", json::object());
  std::string text = std::to_string(answer.status) + " " + detail["reason"].get<std::string>();
  if (context.contains("cause")) text += " " + context["cause"].get<std::string>();
  return text;
}

}  // namespace

TEST_CASE("a grant says everything the tap needs, exactly", "[authorize]") {
  Bar bar;
  const Answer answer = bar.client().authorize(anns_card, ipa_tap);
  REQUIRE(answer.status == 200);
  CHECK(answer.body["allowed"] == true);
  CHECK(answer.body["visit"]["guest_id"] == ann);
  CHECK(answer.body["guest_first_name"] == "Ann");
  CHECK(answer.body["balance_cents"] == 2500);
  CHECK(answer.body["price_per_litre_cents"] == 1290);
  CHECK(answer.body["price_per_ml_cents"] == 2);
  CHECK(answer.body["min_start_ml"] == 20);
  CHECK(answer.body["safety_ml"] == 2);
  CHECK(answer.body["allowed_overdraft_cents"] == 0);
  // 1938 ml cost 2500.02, which rounds to 2500; two are kept back for safety.
  CHECK(answer.body["max_volume_ml"] == 1936);
  CHECK(answer.body["beverage"]["name"] == "Harbour IPA");
  CHECK(answer.body["beverage"]["sell_price_per_liter"] == "12.90");
  CHECK(answer.body["lock_set_at"].is_string());
}

TEST_CASE("the limit is what the keg holds when that is less", "[authorize]") {
  Bar bar;
  bar.database().run("UPDATE kegs SET current_volume_ml = 300");
  CHECK(bar.client().authorize(anns_card, ipa_tap).body["max_volume_ml"] == 298);
}

TEST_CASE("an overdraft that the venue allows adds to the limit", "[authorize]") {
  Bar bar{{.allowed_overdraft_cents = 500}};
  const Answer answer = bar.client().authorize(finns_card, cider_tap);
  CHECK(answer.body["max_volume_ml"] == 718);  // 720 ml cost 500.4, 2 ml are kept back
  CHECK(answer.body["allowed_overdraft_cents"] == 500);
}

TEST_CASE("each denial has its status, reason and cause", "[authorize]") {
  struct Denial {
    const char* change;
    const char* card;
    int tap;
    const char* refusal;
  };
  const auto denial = GENERATE(values<Denial>({
      {"", unknown_card, 1, "409 no_active_visit card_unknown"},
      {"", lost_card, 1, "403 lost_card card_lost"},
      {"", nobodys_card, 1, "403 visit_not_authorizable card_inactive"},
      {"UPDATE cards SET status = 'active'", nobodys_card, 1,
       "409 no_active_visit card_without_guest"},
      {"UPDATE guests SET is_active = false", anns_card, 1,
       "403 visit_not_authorizable guest_inactive"},
      {"UPDATE system_states SET value = 'true'", anns_card, 1,
       "403 visit_not_authorizable emergency_stop"},
      {"", anns_card, 77, "409 tap_not_configured tap_unknown"},
      {"UPDATE taps SET status = 'locked'", anns_card, 1, "409 tap_not_configured tap_locked"},
      {"UPDATE taps SET status = 'cleaning'", anns_card, 1, "409 tap_not_configured tap_cleaning"},
      {"UPDATE taps SET status = 'empty'", anns_card, 1, "409 tap_not_configured tap_empty"},
      {"UPDATE taps SET keg_id = NULL", anns_card, 1, "409 tap_not_configured no_keg"},
      {"UPDATE kegs SET status = 'empty'", anns_card, 1, "409 tap_not_configured keg_empty"},
      {"UPDATE kegs SET current_volume_ml = 21", anns_card, 1, "409 tap_not_configured keg_empty"},
      {"", finns_card, 1, "403 insufficient_funds"},
      {"UPDATE guests SET balance = -0.01", anns_card, 1, "403 insufficient_funds"},
      {"UPDATE guests SET balance = 0.27", anns_card, 1, "403 insufficient_funds"},
  }));
  CAPTURE(denial.change, denial.card, denial.tap);
  Bar bar;
  if (*denial.change != '\0') bar.database().run(denial.change);
  const Answer answer = bar.client().authorize(denial.card, denial.tap);
  CHECK(refusal_of(answer) == denial.refusal);
  CHECK(answer.body["detail"]["message"].is_string());
  CHECK(bar.database().run("SELECT count(*) FROM authorizations").integer(0, 0) == 0);
}

TEST_CASE("the smallest balance that pays for a start is enough", "[authorize]") {
  Bar bar;
  bar.database().run("UPDATE guests SET balance = 0.28");  // 22 ml cost 28.38
  const Answer answer = bar.client().authorize(anns_card, ipa_tap);
  CHECK(answer.status == 200);
  CHECK(answer.body["max_volume_ml"] >= answer.body["min_start_ml"]);
}

TEST_CASE("a card on one tap is refused on another until its row arrives", "[authorize]") {
  Bar bar;
  const Answer first = bar.client().authorize(anns_card, 1);
  const Answer elsewhere = bar.client().authorize(anns_card, 2);
  CHECK(refusal_of(elsewhere) == "409 card_in_use_on_other_tap");
  CHECK(elsewhere.body["detail"]["context"]["tap_id"] == 1);

  SECTION("asking again on the same tap is harmless") {
    CHECK(bar.client().authorize(anns_card, 1).body["visit"] == first.body["visit"]);
  }
  SECTION("a zero row releases it") {
    const json zero{
        {"client_tx_id", "z"}, {"card_uid", anns_card}, {"tap_id", 1}, {"volume_ml", 0}};
    CHECK(verdict(bar.client().sync({zero})[0]) == "rejected/rejected_zero_volume");
    CHECK(bar.client().authorize(anns_card, 2).status == 200);
    CHECK(bar.pour_count() == 0);
  }
  SECTION("a booked pour releases it") {
    bar.client().sync({pour_row("p", anns_card, 1, 100, ipa_price)});
    CHECK(bar.client().authorize(anns_card, 2).status == 200);
  }
  SECTION("a lock that is too old no longer counts") {
    bar.database().run("UPDATE authorizations SET granted_at = now() - interval '16 minutes'");
    CHECK(bar.client().authorize(anns_card, 2).status == 200);
    CHECK(refusal_of(bar.client().authorize(anns_card, 1)) == "409 card_in_use_on_other_tap");
  }
  SECTION("a card that was handed on is the new guest's") {
    bar.client().post("/test/cards/" + std::string{anns_card},
                      json{{"status", "active"}, {"guest_id", eva}});
    const Answer handed_on = bar.client().authorize(anns_card, 2);
    CHECK(handed_on.body["visit"]["guest_id"] == eva);
    CHECK(handed_on.body["visit"]["visit_id"] != first.body["visit"]["visit_id"]);
  }
}

TEST_CASE("asking again refreshes balance and price", "[authorize]") {
  Bar bar;
  bar.client().authorize(anns_card, 1);
  bar.client().post("/test/guests/" + std::string{ann} + "/top-up", json{{"amount_cents", 1000}});
  bar.database().run("UPDATE beverages SET sell_price_per_liter = 14.05");
  const Answer again = bar.client().authorize(anns_card, 1);
  CHECK(again.body["balance_cents"] == 3500);
  CHECK(again.body["price_per_litre_cents"] == 1405);
}

TEST_CASE("of two taps that ask for one card at once, one gets it", "[authorize]") {
  Bar bar;
  for (int round = 0; round < 5; ++round) {
    const auto ask = [&bar](int tap) {
      return bar.another_client().authorize(anns_card, tap).status;
    };
    auto other = std::async(std::launch::async, ask, 2);
    const int here = ask(1);
    const int there = other.get();
    CHECK(((here == 200 && there == 409) || (here == 409 && there == 200)));
    bar.database().run("UPDATE authorizations SET released_at = now()");
  }
}

TEST_CASE("a body that is no request for an authorization answers 422", "[authorize]") {
  Bar bar;
  for (const auto* body :
       {"", "no json", "[]", "{}", R"({"card_uid": "04ab7815cd6b80"})",
        R"({"card_uid": "04AB7815CD6B80", "tap_id": 1})", R"({"card_uid": 4, "tap_id": 1})",
        R"({"card_uid": "04ab7815cd6b80", "tap_id": "1"})",
        R"({"card_uid": "04ab7815cd6b80", "tap_id": 99999999999999999999})"}) {
    CAPTURE(body);
    const Answer answer = bar.client().post_text("/api/visits/authorize-pour", body);
    CHECK(answer.status == 422);
    CHECK(answer.body["detail"].is_array());
  }
}
