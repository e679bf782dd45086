#include <algorithm>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <nlohmann/json.hpp>

#include "sync/wire.hpp"
#include "tests/sync/samples.hpp"

namespace tapd::sync {
namespace {

using nlohmann::json;
using test::guest_uuid;

/// The sample and what else a snapshot may say.
json sample() {
  json told = test::sample_snapshot();
  told["system_states"]["min_start_ml"] = "20";
  told["taps"].push_back(
      {{"tap_id", 2}, {"keg_id", nullptr}, {"display_name", ""}, {"status", "empty"}});
  told["guests"].push_back({{"guest_id", guest_uuid(2)},
                            {"first_name", "Ole"},
                            {"balance_cents", -50},
                            {"is_active", false}});
  told["cards"][0]["card_uid"] = "04AB7815CD6B80";
  told["cards"].push_back({{"card_uid", "04000001"}, {"guest_id", nullptr}, {"status", "lost"}});
  return told;
}

TEST_CASE("a snapshot is read whole", "[wire]") {
  const auto all = decode_snapshot(sample().dump());
  REQUIRE(all);
  CHECK(all->revision == 42);
  REQUIRE(all->beverages.size() == 1);
  CHECK(all->beverages[0].price == model::LitrePrice{1290});
  REQUIRE(all->kegs.size() == 1);
  CHECK(all->kegs[0].current_volume == model::Volume::millilitres(12'345));
  CHECK(all->kegs[0].status == model::KegStatus::in_use);
  REQUIRE(all->taps.size() == 2);
  CHECK(all->taps[0].keg_id == model::KegId{guest_uuid(100)});
  CHECK_FALSE(all->taps[1].keg_id);
  CHECK(all->taps[1].status == model::TapStatus::empty);
  REQUIRE(all->guests.size() == 2);
  CHECK(all->guests[1].balance == model::Money{-50});
  CHECK_FALSE(all->guests[1].active);
  REQUIRE(all->cards.size() == 2);
  CHECK(all->cards[0].uid.text() == "04ab7815cd6b80");
  CHECK(all->cards[1].status == model::CardStatus::lost);
  CHECK(all->system_states.size() == 2);
  CHECK_FALSE(emergency_stop(*all));
}

TEST_CASE("the emergency stop is read from the system states", "[wire]") {
  json body = sample();
  body["system_states"]["emergency_stop_enabled"] = "true";
  const auto all = decode_snapshot(body.dump());
  REQUIRE(all);
  CHECK(emergency_stop(*all));
}

// Found by reading: a serving tank, or the house's own card, made the controller deaf to all else.
TEST_CASE("a value larger than tapd counts with is cut, and its neighbours are there", "[wire]") {
  json body = sample();
  body["kegs"][0]["initial_volume_ml"] = 2'000'000;
  body["kegs"][0]["current_volume_ml"] = GENERATE(1'500'000, 5'000'000'000);
  body["guests"][0]["balance_cents"] = 2'000'000'000;
  body["guests"][1]["balance_cents"] = -5'000'000'000;
  const auto all = decode_snapshot(body.dump());
  REQUIRE(all);
  REQUIRE(all->kegs.size() == 1);
  CHECK(all->kegs[0].initial_volume == model::Volume::largest());
  CHECK(all->kegs[0].current_volume == model::Volume::largest());
  REQUIRE(all->guests.size() == 2);
  CHECK(all->guests[0].balance == model::largest_amount);
  CHECK(all->guests[1].balance == model::Money{} - model::largest_amount);
  CHECK(all->cards.size() == 2);
  body["kegs"][0]["current_volume_ml"] = -2'000'000;  // Pours ran past the bottom.
  CHECK(decode_snapshot(body.dump())->kegs[0].current_volume == model::Volume{});
}

TEST_CASE("one wrong field refuses the whole snapshot and is named", "[wire]") {
  struct Wrong {
    const char* pointer;
    json value;
    const char* named;
  };
  const auto wrong = GENERATE(
      Wrong{"/revision", -1, "revision"}, Wrong{"/revision", "42", "revision"},
      Wrong{"/revision", 4.2, "revision"}, Wrong{"/currency", nullptr, "currency"},
      Wrong{"/currency/minor_digits", 3, "currency.minor_digits"},
      Wrong{"/currency/minor_digits", "2", "currency.minor_digits"},
      Wrong{"/system_states", json::array(), "system_states"},
      Wrong{"/system_states/emergency_stop_enabled", "1", "emergency_stop_enabled"},
      Wrong{"/system_states/emergency_stop_enabled", true, "emergency_stop_enabled"},
      Wrong{"/system_states/min_start_ml", 20, "min_start_ml"},
      Wrong{"/beverages", json::object(), "beverages"}, Wrong{"/beverages/0", 5, "beverages[0]"},
      Wrong{"/beverages/0/sell_price_per_liter", "-1.00", "beverages[0].sell_price_per_liter"},
      Wrong{"/beverages/0/sell_price_per_liter", "1e3", "beverages[0].sell_price_per_liter"},
      Wrong{"/beverages/0/sell_price_per_liter", 12.9, "beverages[0].sell_price_per_liter"},
      Wrong{"/beverages/0/sell_price_per_liter", "99999999.00", "beverages[0].sell_price"},
      Wrong{"/beverages/0/beverage_id", "abc", "beverages[0].beverage_id"},
      Wrong{"/kegs/0/initial_volume_ml", -1, "kegs[0].initial_volume_ml"},
      Wrong{"/kegs/0/initial_volume_ml", 5.5, "kegs[0].initial_volume_ml"},
      Wrong{"/kegs/0/current_volume_ml", "1000", "kegs[0].current_volume_ml"},
      Wrong{"/kegs/0/status", "stolen", "kegs[0].status"}, Wrong{"/taps/0/tap_id", 0, "taps[0]"},
      Wrong{"/taps/0/tap_id", 1000, "taps[0].tap_id"},
      Wrong{"/taps/1/status", "broken", "taps[1].status"},
      Wrong{"/taps/0/keg_id", "", "taps[0].keg_id"},
      Wrong{"/kegs/0/current_volume_ml", 1'000'000'000'001, "kegs[0].current_volume_ml"},
      Wrong{"/guests/1/balance_cents", 1'000'000'000'001, "guests[1].balance_cents"},
      Wrong{"/guests/1/balance_cents", 1.5, "guests[1].balance_cents"},
      Wrong{"/guests/1/balance_cents", nullptr, "guests[1].balance_cents"},
      Wrong{"/guests/0/is_active", "true", "guests[0].is_active"},
      Wrong{"/guests/0/first_name", 7, "guests[0].first_name"},
      Wrong{"/cards/0/card_uid", "04AB", "cards[0].card_uid"},
      Wrong{"/cards/0/card_uid", "04AB7815CD6BZZ", "cards[0].card_uid"},
      Wrong{"/cards/0/status", "", "cards[0].status"},
      Wrong{"/cards/0/guest_id", 1, "cards[0].guest_id"});
  CAPTURE(wrong.pointer, wrong.value);
  json body = sample();
  body[json::json_pointer{wrong.pointer}] = wrong.value;
  const auto all = decode_snapshot(body.dump());
  REQUIRE_FALSE(all);
  CAPTURE(all.error().why);
  CHECK(all.error().endpoint == "/api/controllers/{id}/snapshot");
  CHECK(all.error().why.find(wrong.named) != std::string::npos);
}

TEST_CASE("one missing field refuses the whole snapshot and is named", "[wire]") {
  const auto* const pointer =
      GENERATE("/revision", "/currency", "/currency/minor_digits", "/system_states",
               "/system_states/emergency_stop_enabled", "/beverages", "/kegs", "/taps", "/guests",
               "/cards", "/beverages/0/beverage_id", "/beverages/0/name",
               "/beverages/0/sell_price_per_liter", "/kegs/0/keg_id", "/kegs/0/beverage_id",
               "/kegs/0/initial_volume_ml", "/kegs/0/current_volume_ml", "/kegs/0/status",
               "/taps/0/tap_id", "/taps/0/status", "/guests/0/guest_id", "/guests/0/balance_cents",
               "/guests/0/is_active", "/cards/0/card_uid", "/cards/0/status");
  CAPTURE(pointer);
  json body = sample();
  const json::json_pointer place{pointer};
  body[place.parent_pointer()].erase(place.back());
  const auto all = decode_snapshot(body.dump());
  REQUIRE_FALSE(all);
  CHECK(all.error().why.find(place.back()) != std::string::npos);
}

TEST_CASE("an identifier that appears twice contradicts itself", "[wire]") {
  const auto* const list = GENERATE("beverages", "kegs", "taps", "guests", "cards");
  json body = sample();
  body[list].push_back(body[list][0]);
  const auto all = decode_snapshot(body.dump());
  REQUIRE_FALSE(all);
  CHECK(all.error().why.find(list) != std::string::npos);
}

TEST_CASE("a reference to what is not here does not make the controller deaf", "[wire]") {
  json body = sample();
  body["taps"][0]["keg_id"] = guest_uuid(999);
  body["cards"][0]["guest_id"] = guest_uuid(999);
  CHECK(decode_snapshot(body.dump()));
}

TEST_CASE("names are cut at a character and lose control characters", "[wire]") {
  json body = sample();
  std::string name = "a\n";
  for (int i = 0; i < 200; ++i) name += "\xc3\xa4";
  body["guests"][0]["first_name"] = name;
  const auto all = decode_snapshot(body.dump());
  REQUIRE(all);
  const std::string& kept = all->guests[0].first_name;
  CHECK(kept.size() == 100);
  CHECK(kept.substr(0, 2) == "a ");
  CHECK(kept.substr(98) == "\xc3\xa4");
}

TEST_CASE("a keg that was poured past its bottom is empty", "[wire]") {
  json body = sample();
  body["kegs"][0]["current_volume_ml"] = -12;
  const auto all = decode_snapshot(body.dump());
  REQUIRE(all);
  CHECK(all->kegs[0].current_volume == model::Volume{});
}

TEST_CASE("lists are bounded", "[wire]") {
  json body = sample();
  json states = body["system_states"];
  for (int i = 0; i < 300; ++i) states["key" + std::to_string(i)] = "x";
  body["system_states"] = states;
  CHECK_FALSE(decode_snapshot(body.dump()));
  body = sample();
  for (int i = 0; i < 1000; ++i) body["taps"].push_back(body["taps"][0]);
  const auto all = decode_snapshot(body.dump());
  REQUIRE_FALSE(all);
  CHECK(all.error().why.find("taps") != std::string::npos);
}

TEST_CASE("ten thousand guests and cards are read", "[wire]") {
  json body = sample();
  body["guests"] = json::array();
  body["cards"] = json::array();
  for (unsigned i = 1; i <= 10'000; ++i) {
    body["guests"].push_back({{"guest_id", guest_uuid(i)},
                              {"first_name", "Guest"},
                              {"balance_cents", i},
                              {"is_active", true}});
    body["cards"].push_back(
        {{"card_uid", test::card(i).text()}, {"guest_id", guest_uuid(i)}, {"status", "active"}});
  }
  const auto all = decode_snapshot(body.dump());
  REQUIRE(all);
  CHECK(all->guests.size() == 10'000);
  CHECK(all->cards.size() == 10'000);
}

TEST_CASE("nesting is bounded at the limit and past it, whatever the size", "[wire]") {
  const auto nested = [](std::size_t depth) {
    json body = sample();
    body["extra"] = 0;
    std::string text = body.dump();
    const std::string deep = std::string(depth, '[') + std::string(depth, ']');
    const std::size_t place = text.find("\"extra\":0");
    return text.replace(place, 9, "\"extra\":" + deep);
  };
  CHECK(decode_snapshot(nested(31)));
  CHECK_FALSE(decode_snapshot(nested(32)));
  CHECK_FALSE(decode_snapshot(nested(1'000'000)));
  CHECK_FALSE(decode_snapshot(std::string(5'000'000, '[')));
}

TEST_CASE("too many values are refused before they cost memory", "[wire]") {
  std::string body = "[";
  for (int i = 0; i < 700'000; ++i) body += "0,";
  body += "0]";
  const auto all = decode_snapshot(body);
  REQUIRE_FALSE(all);
  CHECK(all.error().why.find("values") != std::string::npos);
}

TEST_CASE("brackets inside of texts are texts", "[wire]") {
  json body = sample();
  body["guests"][0]["first_name"] = std::string(60, '[') + "\\\"[[";
  CHECK(decode_snapshot(body.dump()));
}

TEST_CASE("text that is not UTF-8 refuses the snapshot", "[wire]") {
  std::string body = sample().dump();
  body.replace(body.find("Anna"), 4, "An\xff\xfe");
  const auto all = decode_snapshot(body);
  REQUIRE_FALSE(all);
  for (const char c : all.error().why) CHECK((c >= ' ' && c <= '~'));
}

TEST_CASE("a snapshot damaged anywhere is read whole or refused, never half", "[wire]") {
  const std::string whole = sample().dump();
  const auto seed = GENERATE(range(0U, 40U));
  test::Dice dice{seed};
  for (int i = 0; i < 100; ++i) {
    std::string body = whole;
    for (std::uint64_t hits = 1 + dice.below(4); hits > 0 && !body.empty(); --hits) {
      const std::size_t place = dice.below(body.size());
      const auto byte = static_cast<char>(dice.below(256));
      switch (dice.below(4)) {
        case 0:
          body[place] = byte;
          break;
        case 1:
          body.erase(place, 1 + dice.below(20));
          break;
        case 2:
          body.insert(place, 1, byte);
          break;
        default:
          body.resize(place + 1);
          break;
      }
    }
    const auto all = decode_snapshot(body);
    if (!all) {
      CHECK_FALSE(all.error().why.empty());
      continue;
    }
    CHECK(all->taps.size() == 2);
    CHECK(all->guests.size() == 2);
    CHECK(all->cards.size() == 2);
  }
}

}  // namespace
}  // namespace tapd::sync
