// The snapshot by its changes: what differs since a revision, and when the whole is told instead.
#include <fmt/format.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/central/bar_fixture.hpp"
#include "tests/central/schema.hpp"

using namespace tapd::central;
using nlohmann::json;

namespace {

constexpr const char* path = "/api/controllers/pi-1/snapshot";
constexpr std::array<std::pair<const char*, const char*>, 5> lists{{{"beverages", "beverage_id"},
                                                                    {"kegs", "keg_id"},
                                                                    {"taps", "tap_id"},
                                                                    {"guests", "guest_id"},
                                                                    {"cards", "card_uid"}}};

Answer whole(Bar& bar) {
  return bar.client().get(path);
}

/// What the controller asks that holds `known`.
Answer ask(Bar& bar, const Answer& known) {
  return bar.client().get(
      fmt::format("{}?since={}", path, known.body["revision"].get<std::int64_t>()),
      {{"If-None-Match", known.headers.at("ETag")}});
}

/// The whole that changes make of the whole before them.
json with(json all, const json& changes) {
  for (const auto& [list, id] : lists) {
    std::map<json, json> rows;
    for (const json& row : all[list]) rows[row[id]] = row;
    for (const json& row : changes[list]) rows[row[id]] = row;
    for (const json& gone : changes["gone"][list]) rows.erase(gone);
    all[list] = json::array();
    for (const auto& [key, row] : rows) all[list].push_back(row);
  }
  all["system_states"] = changes["system_states"];
  all["revision"] = changes["revision"];
  return all;
}

/// Without the time, and each list in the order of its keys.
json comparable(json snapshot) {
  json none{{"gone", {}}, {"system_states", snapshot["system_states"]}};
  for (const auto& [list, id] : lists) none[list] = none["gone"][list] = json::array();
  none["revision"] = snapshot["revision"];
  snapshot.erase("generated_at");
  return with(std::move(snapshot), none);
}

}  // namespace

TEST_CASE("changes hold what differs, what is gone, and every system state", "[snapshot]") {
  Bar bar;
  const Answer before = whole(bar);
  bar.database().run("UPDATE guests SET balance = balance - 1 WHERE guest_id = $1", {ann});
  bar.database().run("DELETE FROM cards WHERE card_uid = $1", {nobodys_card});
  bar.database().run("INSERT INTO cards VALUES ('04aa', NULL, 'inactive')");
  const Answer answer = ask(bar, before);
  REQUIRE(answer.status == 200);
  const json& body = answer.body;
  CHECK(body["since"] == before.body["revision"]);
  CHECK(body["revision"] > body["since"]);
  CHECK(body["currency"] == before.body["currency"]);
  CHECK(body["system_states"] == json{{"emergency_stop_enabled", "false"}});
  REQUIRE(body["guests"].size() == 1);
  CHECK(body["guests"][0]["guest_id"] == ann);
  CHECK(body["guests"][0]["balance_cents"] == 2400);
  const json added{{"card_uid", "04aa"}, {"guest_id", nullptr}, {"status", "inactive"}};
  CHECK(body["cards"] == json::array({added}));
  for (const char* const list : {"beverages", "kegs", "taps"}) CHECK(body[list].empty());
  CHECK(body["gone"] == json{{"beverages", json::array()},
                             {"kegs", json::array()},
                             {"taps", json::array()},
                             {"guests", json::array()},
                             {"cards", json::array({nobodys_card})}});
  // The ETag is the one that the whole has.
  CHECK(answer.headers.at("ETag") == whole(bar).headers.at("ETag"));
  CHECK(ask(bar, whole(bar)).status == 304);
}

TEST_CASE("a booked pour changes its guest and its keg", "[snapshot]") {
  Bar bar;
  const Answer before = whole(bar);
  bar.client().sync({pour_row("yes", anns_card, 1, 100, ipa_price)});
  const json body = ask(bar, before).body;
  CHECK(body["since"] == before.body["revision"]);
  CHECK(body["guests"].size() == 1);
  CHECK(body["kegs"].size() == 1);
  CHECK(body["cards"].empty());
}

TEST_CASE("a key that changes is gone under its old name", "[snapshot]") {
  Bar bar;
  const Answer before = whole(bar);
  bar.database().run("UPDATE cards SET card_uid = '04aa' WHERE card_uid = $1", {nobodys_card});
  const json body = ask(bar, before).body;
  CHECK(body["gone"]["cards"] == json::array({nobodys_card}));
  CHECK(body["cards"][0]["card_uid"] == "04aa");
}

TEST_CASE("the whole is told when the revision is not known", "[snapshot]") {
  Bar bar;
  const Answer before = whole(bar);
  const std::string etag = before.headers.at("ETag");
  const auto revision = before.body["revision"].get<std::int64_t>();
  bar.database().run("UPDATE guests SET balance = balance + 1");
  const auto is_whole = [&](const std::string& since, const std::string& if_none_match) {
    const Answer answer =
        bar.client().get(std::string{path} + "?since=" + since, {{"If-None-Match", if_none_match}});
    CHECK(answer.status == 200);
    return !answer.body.contains("since") && answer.body["cards"].size() == 13;
  };
  REQUIRE_FALSE(is_whole(std::to_string(revision), etag));
  CHECK(is_whole(std::to_string(revision), "\"another0-" + std::to_string(revision) + "\""));
  CHECK(is_whole(std::to_string(revision), ""));
  CHECK(is_whole(std::to_string(revision + 1'000), etag));
  for (const char* const no_revision : {"0", "-1", "", "x", "1.5", "99999999999999999999"}) {
    CAPTURE(no_revision);
    CHECK(is_whole(no_revision, etag));
  }
  SECTION("because it is too long ago") {
    bar.database().run("UPDATE venue SET revision = revision + changes_kept()");
    CHECK(is_whole(std::to_string(revision), etag));
  }
  SECTION("because a table was emptied at a stroke") {
    bar.database().run("TRUNCATE authorizations, system_states");
    bar.database().run("INSERT INTO system_states VALUES ('emergency_stop_enabled', 'true')");
    CHECK(is_whole(std::to_string(revision), etag));
  }
}

TEST_CASE("a database from before knows the changes from now on", "[snapshot]") {
  Bar bar;
  const Answer before = whole(bar);
  bar.database().run_script(
      "DROP FUNCTION move_revision() CASCADE; DROP TABLE changes; ALTER TABLE venue DROP COLUMN "
      "changes_known_since");
  create_schema(bar.database());
  CHECK_FALSE(ask(bar, before).body.contains("since"));
  bar.database().run("UPDATE guests SET balance = balance + 1");
  const Answer after = whole(bar);
  bar.database().run("UPDATE guests SET balance = balance + 1");
  CHECK(ask(bar, after).body["guests"].size() == after.body["guests"].size());
}

TEST_CASE("changes upon changes come to what the whole is", "[snapshot][property]") {
  constexpr std::array sql{
      "UPDATE guests SET balance = balance + 1 WHERE guest_id IN"
      " (SELECT guest_id FROM guests ORDER BY random() LIMIT 2)",
      "UPDATE cards SET status = 'lost' WHERE card_uid = (SELECT max(card_uid) FROM cards)",
      "DELETE FROM cards WHERE card_uid = (SELECT min(card_uid) FROM cards)",
      "INSERT INTO cards SELECT '04' || lpad(to_hex((random() * 100)::integer), 12, '0'), NULL,"
      " 'active' ON CONFLICT DO NOTHING",
      "DELETE FROM guests WHERE guest_id = (SELECT guest_id FROM guests ORDER BY random() LIMIT 1)",
      "INSERT INTO guests (guest_id, first_name) VALUES (gen_random_uuid(), 'New')",
      "UPDATE taps SET keg_id = NULL, status = 'empty' WHERE tap_id = 2",
      "DELETE FROM taps WHERE tap_id = 4",
      "INSERT INTO taps VALUES (4, NULL, 'Tap 4', 'empty') ON CONFLICT DO NOTHING",
      "UPDATE kegs SET current_volume_ml = current_volume_ml / 2",
      "UPDATE beverages SET sell_price_per_liter = sell_price_per_liter + 0.10",
      "UPDATE system_states SET value = CASE value WHEN 'true' THEN 'false' ELSE 'true' END",
      "UPDATE cards SET card_uid = '05' || card_uid WHERE card_uid ="
      " (SELECT min(card_uid) FROM cards WHERE card_uid LIKE '04%')"};
  Bar bar;
  std::mt19937 random{20261121};
  Answer known = whole(bar);
  json held = known.body;
  for (int round = 0; round < 60; ++round) {
    for (auto times = random() % 4; times > 0; --times) {
      const char* const change = sql.at(random() % sql.size());
      CAPTURE(change);
      bar.database().run(change);
    }
    const Answer answer = ask(bar, known);
    if (answer.status == 304) continue;
    REQUIRE(answer.body["since"] == known.body["revision"]);
    // Lost on its way: the next one starts from the same revision.
    if (random() % 3 == 0) continue;
    held = with(held, answer.body);
    REQUIRE(comparable(held) == comparable(whole(bar).body));
    known = answer;
  }
}
