#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "tests/central/bar_fixture.hpp"
#include "tests/central/seed.hpp"
#include "tests/support/deadline.hpp"

using namespace tapd::central;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

TEST_CASE("a wrong token opens nothing", "[http]") {
  Bar bar;
  for (const auto* wrong : {"", "right-tokem", "right-token1", "x"}) {
    CAPTURE(wrong);
    Client stranger{bar.server().port(), wrong};
    // All on one connection: a refused body must not be taken for the next request.
    CHECK(stranger.sync({pour_row("tx", anns_card, 1, 100, ipa_price)})[0] == 401);
    CHECK(stranger.authorize(anns_card, 1).status == 401);
    CHECK(stranger.get("/api/controllers/pi-1/snapshot").status == 401);
    CHECK(stranger.get("/test/totals").status == 401);
    CHECK(stranger.get("/api/system/status").status == 200);
  }
  CHECK(bar.pour_count() == 0);
}

TEST_CASE("an unknown path answers 404 in JSON", "[http]") {
  Bar bar;
  const Answer answer = bar.client().get("/api/nothing");
  CHECK(answer.status == 404);
  CHECK(answer.body["detail"] == "Not Found");
  CHECK(bar.client().post_text("/api/nothing", "{}").status == 404);
}

TEST_CASE("without test controls there are none", "[http]") {
  Bar bar{{}, false};
  CHECK(bar.client().get("/test/totals").status == 404);
  CHECK(bar.client().post("/test/emergency-stop", json{{"enabled", true}}).status == 404);
}

TEST_CASE("test controls refuse what is not there or not allowed", "[http]") {
  Bar bar;
  CHECK(bar.client().post("/test/taps/99", json{{"status", "active"}}).status == 404);
  CHECK(bar.client().post("/test/taps/1", json{{"status", "odd"}}).status == 422);
  CHECK(bar.client().post("/test/guests/nobody/top-up", json{{"amount_cents", 1}}).status == 422);
  CHECK(bar.client().post_text("/test/emergency-stop", "{}").status == 422);
}

TEST_CASE("a top-up moves the balance and is on the books", "[http]") {
  Bar bar;
  const std::string path = "/test/guests/" + std::string{ann} + "/top-up";
  CHECK(bar.client().post(path, json{{"amount_cents", 1250}}).body["balance_cents"] == 3750);
  CHECK(bar.client().post(path, json{{"amount_cents", -1}}).body["balance_cents"] == 3749);
  const Rows booked = bar.database().run("SELECT type, amount FROM transactions ORDER BY amount");
  CHECK(booked.text(0, 0) == "correction");
  CHECK(booked.text(1, 1) == "12.50");
}

TEST_CASE("while the database is away the answer is 503, then all is well", "[http]") {
  Bar bar;
  const json row = pour_row("tx", anns_card, 1, 100, ipa_price);
  CHECK(bar.client().authorize(anns_card, 1).status == 200);
  shared_cluster().crash();
  CHECK(bar.client().sync({row})[0] == 503);
  CHECK(bar.client().authorize(anns_card, 1).status == 503);
  CHECK(bar.client().get("/api/system/status").status == 503);
  shared_cluster().start();
  CHECK(verdict(bar.client().sync({row})[0]) == "accepted/charged");
}

TEST_CASE("a server with an idle connection stops at once", "[http]") {
  Bar bar;
  CHECK(bar.client().get("/api/system/status").status == 200);
  const tapd::test::Deadline deadline{2s};  // the connection would idle for five
  bar.server().stop();
  CHECK_FALSE(deadline.passed());
  CHECK(bar.another_client().get("/api/system/status").status == 0);
}

TEST_CASE("a port that is taken is an error that names it", "[http]") {
  Bar bar;
  CentralOptions options;
  options.database_url = bar.database_url();
  options.http.port = bar.server().port();
  CHECK_THROWS_WITH(CentralServer{options}, ContainsSubstring(std::to_string(options.http.port)));
}

TEST_CASE("a seed that is loaded again gives no money back", "[seed]") {
  Bar bar;
  bar.client().sync({pour_row("tx", anns_card, 1, 100, ipa_price)});
  load_seed_file(bar.database(), bar_file());
  CHECK(bar.balance_of(ann) == 2500 - 129);
}

TEST_CASE("a seed with a mistake loads nothing and names the file", "[seed]") {
  Bar bar;
  for (const auto* text :
       {"no json", "[]", R"({"cards": [{"card_uid": "04", "status": "stolen"}]})",
        R"({"guests": [{"guest_id": "x", "first_name": "X", "balance": "1.00"}]})",
        R"({"guests": [{"guest_id": "a0000000-0000-4000-8000-0000000000aa", "balance": 1.5}]})"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(load_seed(bar.database(), text, "my.json"), ContainsSubstring("my.json"));
  }
}
