// The strict mode has the faults of the existing server, each as the wire contract tells it.
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/central/bar_fixture.hpp"

using namespace tapd::central;
using nlohmann::json;

namespace {

struct StrictBar : Bar {
  StrictBar() : Bar{{}, true, true} {}
  Answer send(const std::vector<json>& rows) {
    return client().post("/api/sync/pours", json{{"pours", rows}});
  }
};

json ipa(const std::string& id, const char* card = anns_card) {
  return pour_row(id, card, ipa_tap, 100, ipa_price);
}

}  // namespace

TEST_CASE("strict: one authorization pays for one pour", "[bts]") {
  StrictBar bar;
  REQUIRE(bar.client().authorize(anns_card, ipa_tap).status == 200);
  const auto results = bar.client().sync({ipa("1"), ipa("2")});
  CHECK(verdict(results[0]) == "accepted/charged");
  CHECK(verdict(results[1]) == "audit_only/missing_pending");
  CHECK(bar.balance_of(ann) == 2500 - 129);
  // A repeated id is accepted whatever it says.
  json other = ipa("1");
  other["volume_ml"] = 300;
  CHECK(verdict(bar.client().sync({other})[0]) == "accepted/duplicate_existing");
}

TEST_CASE("strict: one bad row spoils the batch", "[bts]") {
  StrictBar bar;
  REQUIRE(bar.client().authorize(anns_card, ipa_tap).status == 200);
  json bad = ipa("2");
  bad["volume_ml"] = -1;
  const Answer answer = bar.send({ipa("1"), bad});
  CHECK(answer.status == 422);
  CHECK(answer.text.find("pours.1") != std::string::npos);
  CHECK(bar.pour_count() == 0);
}

TEST_CASE("strict: an upper-case UID is a 500 without JSON", "[bts]") {
  StrictBar bar;
  const Answer asked = bar.client().authorize("04AB7815CD6B80", ipa_tap);
  CHECK(asked.status == 500);
  CHECK(asked.body.is_null());
  CHECK(bar.send({ipa("1", "04AB7815CD6B80")}).status == 500);
}

TEST_CASE("strict: a card locked on another tap makes the batch 409, the rows before are booked",
          "[bts]") {
  StrictBar bar;
  REQUIRE(bar.client().authorize(anns_card, ipa_tap).status == 200);
  REQUIRE(bar.client().authorize(evas_card, cider_tap).status == 200);
  CHECK(bar.send({ipa("1"), ipa("2", evas_card), ipa("3")}).status == 409);
  CHECK(bar.pour_count() == 1);
}

TEST_CASE("strict: locks never expire and a row without volume releases them", "[bts]") {
  StrictBar bar;
  REQUIRE(bar.client().authorize(anns_card, ipa_tap).status == 200);
  bar.database().run("UPDATE authorizations SET granted_at = now() - interval '1 year'");
  CHECK(bar.client().authorize(anns_card, cider_tap).status == 409);
  CHECK(bar.client().authorize(anns_card, ipa_tap).status == 200);
  json release = ipa("zero");
  release["volume_ml"] = 0;
  CHECK(verdict(bar.client().sync({release})[0]) == "rejected/rejected_zero_volume");
  CHECK(bar.client().authorize(anns_card, cider_tap).status == 200);
}

TEST_CASE("strict: a row that was turned down for good is known by its id, before any lock",
          "[bts]") {
  StrictBar bar;
  REQUIRE(bar.client().authorize(anns_card, ipa_tap).status == 200);
  json release = ipa("zero");
  release["volume_ml"] = 0;
  CHECK(verdict(bar.client().sync({release})[0]) == "rejected/rejected_zero_volume");
  REQUIRE(bar.client().authorize(anns_card, ipa_tap).status == 200);
  CHECK(verdict(bar.client().sync({release})[0]) == "rejected/duplicate_existing_rejected");
  CHECK(verdict(bar.client().sync({ipa("1")})[0]) == "accepted/charged");
  // A release of nothing is recorded nowhere.
  release["client_tx_id"] = "again";
  CHECK(verdict(bar.client().sync({release})[0]) == "audit_only/missing_pending");
}

TEST_CASE("strict: authorize does not look at stop, tap or guest, and rounds the price up",
          "[bts]") {
  StrictBar bar;
  bar.client().post("/test/emergency-stop", json{{"enabled", true}});
  bar.client().post("/test/taps/1", json{{"status", "locked"}});
  const Answer answer = bar.client().authorize(anns_card, ipa_tap);
  REQUIRE(answer.status == 200);
  CHECK(answer.body["price_per_ml_cents"] == 2);
  CHECK_FALSE(answer.body.contains("price_per_litre_cents"));
  CHECK(bar.client().get("/api/system/status").body["emergency_stop"] == true);
}

TEST_CASE("strict: one minor unit too much without a tail makes the pour free", "[bts]") {
  StrictBar bar;
  REQUIRE(bar.client().authorize(anns_card, ipa_tap).status == 200);
  json row = pour_row("1", anns_card, ipa_tap, 1939, ipa_price);
  CHECK(verdict(bar.client().sync({row})[0]) == "rejected/rejected_insufficient_funds");
  CHECK(bar.balance_of(ann) == 2500);
  REQUIRE(bar.client().authorize(anns_card, ipa_tap).status == 200);
  CHECK(verdict(bar.client().sync({row})[0]) == "rejected/duplicate_existing_rejected");
  row["client_tx_id"] = "2";
  row["tail_volume_ml"] = 5;
  CHECK(verdict(bar.client().sync({row})[0]) == "accepted/charged");
}

TEST_CASE("strict: there is no snapshot", "[bts]") {
  StrictBar bar;
  CHECK(bar.client().get("/api/controllers/c/snapshot").status == 404);
}
