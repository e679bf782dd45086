#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "tests/central/bar_fixture.hpp"

using namespace tapd::central;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

TEST_CASE("a pour is debited, taken from the keg, recorded and audited", "[pours]") {
  Bar bar;
  bar.client().authorize(anns_card, ipa_tap);
  json row = pour_row("tx-1", anns_card, ipa_tap, 412, ipa_price);
  row["authorized_by"] = "server";
  row["tail_volume_ml"] = 12;
  const json result = bar.client().sync({row})[0];
  CHECK(verdict(result) == "accepted/charged");
  CHECK(result["client_tx_id"] == "tx-1");
  CHECK(bar.balance_of(ann) == 2500 - 531);
  const json totals = bar.client().get("/test/totals").body;
  CHECK(totals["pours"] == 1);
  CHECK(totals["charged_cents"] == 531);
  CHECK(totals["kegs"][0]["current_volume_ml"] == 41200 - 412);
  const json booked = bar.client().get("/test/pours").body["pours"][0];
  CHECK(booked["charged_cents"] == 531);
  CHECK(booked["tail_volume_ml"] == 12);
  CHECK(booked["price_per_ml_at_pour"] == "0.012900");
  CHECK(booked["poured_at"] == "2026-11-21T10:00:05.250Z");
  CHECK(bar.notes_of("tx-1") == json::array());
}

// DECIMAL(10,4) would store 0.0130 here and bill five cents a litre too much ever after.
TEST_CASE("a price with five decimals per millilitre is kept exactly", "[pours]") {
  Bar bar;
  CHECK(verdict(bar.client().sync({pour_row("tx", anns_card, 1, 500, 1295)})[0]) ==
        "accepted/charged");
  CHECK(bar.client().get("/test/pours").body["pours"][0]["price_per_ml_at_pour"] == "0.012950");
  CHECK(bar.balance_of(ann) == 2500 - 648);
}

TEST_CASE("a repeated row is accepted and charged once", "[pours]") {
  Bar bar;
  const json row = pour_row("tx-1", anns_card, 1, 412, ipa_price);
  CHECK(verdict(bar.client().sync({row})[0]) == "accepted/charged");
  const json again = bar.client().sync({row, row});
  CHECK(verdict(again[0]) == "accepted/duplicate_existing");
  CHECK(verdict(again[1]) == "accepted/duplicate_existing");
  CHECK(bar.balance_of(ann) == 2500 - 531);
}

TEST_CASE("two sendings within one batch are one pour", "[pours]") {
  Bar bar;
  const json row = pour_row("tx-1", anns_card, 1, 412, ipa_price);
  const json results = bar.client().sync({row, row});
  CHECK(verdict(results[0]) == "accepted/charged");
  CHECK(verdict(results[1]) == "accepted/duplicate_existing");
  CHECK(bar.pour_count() == 1);
}

TEST_CASE("an id with other content is a conflict and changes nothing", "[pours]") {
  Bar bar;
  bar.client().sync({pour_row("tx-1", anns_card, 1, 412, ipa_price)});
  json other = pour_row("tx-1", anns_card, 1, 413, ipa_price);
  SECTION("another volume") {}
  SECTION("another guest's card") {
    other = pour_row("tx-1", evas_card, 1, 412, ipa_price);
  }
  SECTION("no volume") {
    other["volume_ml"] = 0;
  }
  CHECK(verdict(bar.client().sync({other})[0]) == "conflict/id_reused");
  CHECK(bar.balance_of(ann) == 2500 - 531);
  CHECK(bar.balance_of(eva) == 10000);
}

TEST_CASE("an offline pour is charged below zero, and then the guest waits", "[pours]") {
  Bar bar;
  CHECK(verdict(bar.client().sync({pour_row("tx", anns_card, 1, 2500, ipa_price)})[0]) ==
        "accepted/charged");
  CHECK(bar.balance_of(ann) == 2500 - 3225);
  CHECK(bar.notes_of("tx") == json{"overdraft"});
  CHECK(bar.client().authorize(anns_card, 1).body["detail"]["reason"] == "insufficient_funds");
}

// The liquid is gone: a record that is refused would only hide it.
TEST_CASE("a pour that should not have flowed is charged and noted", "[pours]") {
  struct Strange {
    const char* change;
    const char* card;
    const char* note;
  };
  const auto strange = GENERATE(values<Strange>({
      {"SELECT 1", lost_card, "card_lost"},
      {"UPDATE cards SET status = 'inactive'", anns_card, "card_inactive"},
      {"UPDATE guests SET is_active = false", anns_card, "guest_inactive"},
      {"UPDATE kegs SET current_volume_ml = 99", anns_card, "keg_short"},
  }));
  Bar bar;
  bar.database().run(strange.change);
  CHECK(verdict(bar.client().sync({pour_row("tx", strange.card, 1, 100, ipa_price)})[0]) ==
        "accepted/charged");
  CHECK(bar.notes_of("tx") == json{strange.note});
  CHECK(bar.client().get("/test/totals").body["charged_cents"] == 129);
}

TEST_CASE("a row that claims a grant which nobody gave is noted", "[pours]") {
  Bar bar;
  json row = pour_row("tx", anns_card, 1, 100, ipa_price);
  row["authorized_by"] = "server";
  CHECK(verdict(bar.client().sync({row})[0]) == "accepted/charged");
  CHECK(bar.notes_of("tx") == json{"no_live_authorization"});
}

TEST_CASE("the guest who poured pays, also after the card was handed on", "[pours]") {
  Bar bar;
  json row = pour_row("tx", anns_card, 1, 100, ipa_price);
  row["guest_id"] = ann;
  bar.database().run("UPDATE cards SET guest_id = $1 WHERE card_uid = $2", {eva, anns_card});
  CHECK(verdict(bar.client().sync({row})[0]) == "accepted/charged");
  CHECK(bar.balance_of(ann) == 2500 - 129);
  CHECK(bar.balance_of(eva) == 10000);
  CHECK(bar.notes_of("tx") == json{"card_handed_on"});
}

TEST_CASE("the keg that the row names loses the volume", "[pours]") {
  Bar bar;
  const std::string second = "c0000000-0000-4000-8000-000000000002";
  json row = pour_row("tx", anns_card, 1, 100, ipa_price);
  row["keg_id"] = second;
  bar.client().sync({row});
  CHECK(bar.client().get("/test/pours").body["pours"][0]["keg_id"] == second);
  row = pour_row("tx-2", anns_card, 1, 100, ipa_price);
  row["keg_id"] = "c0000000-0000-4000-8000-00000000ffff";
  CHECK(verdict(bar.client().sync({row})[0]) == "accepted/charged");
  CHECK(bar.notes_of("tx-2") == json{"keg_unknown"});
}

TEST_CASE("a keg that gives more than the books say ends empty at zero", "[pours]") {
  Bar bar;
  bar.database().run("UPDATE kegs SET current_volume_ml = 99");
  bar.client().sync({pour_row("tx", anns_card, 1, 100, ipa_price)});
  const Rows keg = bar.database().run(
      "SELECT current_volume_ml, kegs.status, finished_at IS NOT NULL FROM kegs"
      " JOIN taps USING (keg_id) WHERE tap_id = 1");
  CHECK(keg.integer(0, 0) == 0);
  CHECK(keg.text(0, 1) == "empty");
  CHECK(keg.boolean(0, 2));
}

TEST_CASE("rows that cannot be booked say why, and change nothing", "[pours]") {
  Bar bar;
  json row = pour_row("tx", anns_card, 1, 100, ipa_price);
  std::string outcome;
  SECTION("unknown card") {
    row["card_uid"] = unknown_card;
    outcome = "rejected/rejected_invalid_card_or_tap";
  }
  SECTION("unknown tap") {
    row["tap_id"] = 9;
    outcome = "rejected/rejected_invalid_card_or_tap";
  }
  SECTION("unknown guest") {
    row["guest_id"] = "a0000000-0000-4000-8000-00000000ffff";
    outcome = "rejected/rejected_invalid_card_or_tap";
  }
  SECTION("a card of nobody") {
    row["card_uid"] = nobodys_card;
    outcome = "rejected/rejected_inactive_guest_or_card";
  }
  SECTION("a tap without a keg") {
    bar.database().run("UPDATE taps SET keg_id = NULL");
    outcome = "rejected/rejected_tap_or_keg_state";
  }
  SECTION("nothing was poured") {
    row["volume_ml"] = 0;
    outcome = "rejected/rejected_zero_volume";
  }
  SECTION("one cent too much") {
    row["price_cents"] = 130;
    outcome = "rejected/price_mismatch";
  }
  SECTION("one cent too little") {
    row["price_cents"] = 128;
    outcome = "rejected/price_mismatch";
  }
  SECTION("a duration of less than nothing") {
    row["duration_ms"] = -1;
    outcome = "rejected/rejected_invalid_duration";
  }
  const json result = bar.client().sync({row})[0];
  CHECK(verdict(result) == outcome);
  CHECK(result["reason"].is_string());
  CHECK(bar.pour_count() == 0);
  CHECK(bar.balance_of(ann) == 2500);
}

TEST_CASE("a rejected row can be sent again once the cause is mended", "[pours]") {
  Bar bar;
  const json row = pour_row("tx", unknown_card, 1, 100, ipa_price);
  CHECK(bar.client().sync({row})[0]["status"] == "rejected");
  bar.database().run("INSERT INTO cards VALUES ($1, $2, 'active')", {unknown_card, ann});
  CHECK(verdict(bar.client().sync({row})[0]) == "accepted/charged");
}

TEST_CASE("malformed rows fail alone, and results keep the order", "[pours]") {
  Bar bar;
  json no_id = pour_row("x", anns_card, 1, 100, ipa_price);
  no_id.erase("client_tx_id");
  json nul = pour_row("x", anns_card, 1, 100, ipa_price);
  nul["card_uid"] = std::string("04\0b", 4);
  const json results = bar.client().sync({pour_row("first", anns_card, 1, 100, ipa_price), 7,
                                          nullptr, json::array({1}), no_id, nul, json::object(),
                                          pour_row("last", evas_card, 3, 100, cider_price)});
  REQUIRE(results.size() == 8);
  CHECK(verdict(results[0]) == "accepted/charged");
  for (std::size_t i = 1; i <= 6; ++i) {
    CHECK(verdict(results[i]) == "rejected/rejected_malformed");
    CHECK(results[i]["reason"].is_string());
  }
  CHECK(results[4]["client_tx_id"].is_null());
  CHECK(results[5]["client_tx_id"] == "x");
  CHECK(verdict(results[7]) == "accepted/charged");
  CHECK(bar.pour_count() == 2);
}

TEST_CASE("a body without a list of pours answers 400 and says so", "[pours]") {
  Bar bar;
  for (const auto* body : {"", "{", "null", "[]", "{}", R"({"pours": 1})",
                           R"({"pours": {"client_tx_id": "x"}})", "\xff\xfe"}) {
    CAPTURE(body);
    const Answer answer = bar.client().post_text("/api/sync/pours", body);
    CHECK(answer.status == 400);
    CHECK(answer.body["detail"].is_string());
  }
}

TEST_CASE("an empty batch is a batch, a huge one is refused", "[pours]") {
  Bar bar;
  CHECK(bar.client().sync({}) == json::array());
  const json many(1001, json(1));
  CHECK(bar.client().post("/api/sync/pours", json{{"pours", many}}).status == 413);
  const std::vector<json> most(1000, json(1));
  CHECK(bar.client().sync(most).size() == 1000);
}

TEST_CASE("booked pours and the audit log cannot be changed", "[pours]") {
  Bar bar;
  bar.client().sync({pour_row("tx", anns_card, 1, 100, ipa_price)});
  const auto* sql =
      GENERATE("UPDATE pours SET volume_ml = 1", "DELETE FROM pours", "TRUNCATE pours",
               "UPDATE audit_logs SET details = ''", "DELETE FROM audit_logs");
  CHECK_THROWS_WITH(bar.database().run(sql), ContainsSubstring("append-only"));
}
