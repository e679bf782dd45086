#include "tests/central/pour_row.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "tests/central/bar_fixture.hpp"
#include "tests/central/fields.hpp"

using namespace tapd::central;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

json good_row() {
  return pour_row("tx-1", anns_card, ipa_tap, 412, ipa_price);
}

struct Wrong {
  const char* field;
  json value;
};

}  // namespace

TEST_CASE("a good row is read field by field", "[pour_row]") {
  const auto row = read_pour_row(good_row());
  REQUIRE(row);
  CHECK(row->client_tx_id == "tx-1");
  CHECK(row->volume_ml == 412);
  CHECK(row->cents_per_litre == 1290);
  CHECK(row->pulses == 2060);
  CHECK_FALSE(check_price(*row));
}

TEST_CASE("a wrong field refuses the row and is named", "[pour_row]") {
  const auto wrong = GENERATE(values<Wrong>({{"client_tx_id", nullptr},
                                             {"client_tx_id", ""},
                                             {"client_tx_id", 7},
                                             {"client_tx_id", std::string(101, 'x')},
                                             {"client_tx_id", std::string("a\0b", 3)},
                                             {"short_id", "ABC"},
                                             {"card_uid", "04AB7815CD6B80"},
                                             {"card_uid", "04ab78 15cd"},
                                             {"card_uid", "04ab7815c"},
                                             {"tap_id", 0},
                                             {"tap_id", "1"},
                                             {"volume_ml", -1},
                                             {"volume_ml", 412.0},
                                             {"volume_ml", 100'001},
                                             {"volume_ml", 18'446'744'073'709'551'615ULL},
                                             {"volume_ml", true},
                                             {"tail_volume_ml", 413},
                                             {"tail_volume_ml", -1},
                                             {"price_cents", -1},
                                             {"price_cents", 1'000'000'001},
                                             {"price_per_ml_at_pour", 0.0129},
                                             {"price_per_ml_at_pour", "-0.0129"},
                                             {"price_per_ml_at_pour", "1000.00001"},
                                             {"price_per_ml_at_pour", nullptr},
                                             {"start_ts", "yesterday"},
                                             {"end_ts", "2026-02-30T10:00:00Z"},
                                             {"end_ts", "2026-11-21 10:00:00Z"},
                                             {"guest_id", "Ann"},
                                             {"keg_id", 5},
                                             {"authorized_by", "me"},
                                             {"pulses", -1},
                                             {"duration_ms", 2'147'483'648},
                                             {"duration_ms", -1}}));
  json object = good_row();
  object[wrong.field] = wrong.value;
  CAPTURE(object.dump());
  const auto row = read_pour_row(object);
  REQUIRE_FALSE(row);
  CHECK(row.error().status == "rejected");
  CHECK_THAT(row.error().reason.value_or(""), ContainsSubstring(wrong.field));
}

TEST_CASE("a row that is no object is malformed", "[pour_row]") {
  const json object = GENERATE(json(7), json("row"), json::array(), json(nullptr));
  CHECK(read_pour_row(object).error().outcome == "rejected_malformed");
}

TEST_CASE("a zero row needs neither price nor duration", "[pour_row]") {
  const auto row = read_pour_row(
      {{"client_tx_id", "z"}, {"card_uid", anns_card}, {"tap_id", 1}, {"volume_ml", 0}});
  REQUIRE(row);
  CHECK(row->volume_ml == 0);
}

TEST_CASE("the content is the same for two sendings and differs for two pours", "[pour_row]") {
  const std::string first = content_of(*read_pour_row(good_row()));
  json again = json::parse(good_row().dump());
  again["pulses"] = 9;  // evidence, not content
  again["start_ts"] = nullptr;
  again["end_ts"] = "2026-11-21T11:00:05.250Z";
  again["price_per_ml_at_pour"] = "0.0129";
  CHECK(content_of(*read_pour_row(again)) == first);
  const auto changed = GENERATE(values<Wrong>({{"volume_ml", 411},
                                               {"price_cents", 530},
                                               {"tap_id", 2},
                                               {"card_uid", evas_card},
                                               {"price_per_ml_at_pour", "0.01291"},
                                               {"duration_ms", 5001},
                                               {"short_id", "AB12CD35"},
                                               {"tail_volume_ml", 1},
                                               {"guest_id", eva}}));
  json other = good_row();
  other[changed.field] = changed.value;
  CHECK(content_of(*read_pour_row(other)) != first);
}

TEST_CASE("times are real, in UTC, and end in Z", "[fields]") {
  CHECK(is_utc_time("2026-11-21T10:00:00.000Z"));
  CHECK(is_utc_time("2024-02-29T23:59:59Z"));
  CHECK_FALSE(is_utc_time("2026-02-29T23:59:59Z"));
  CHECK_FALSE(is_utc_time("2026-11-21T24:00:00Z"));
  CHECK_FALSE(is_utc_time("2026-11-21T10:00:00"));
  CHECK_FALSE(is_utc_time("2026-11-21T10:00:00.Z"));
  CHECK_FALSE(is_utc_time("2026-11-21T10:00:00.1234567Z"));
  CHECK_FALSE(is_utc_time("2026-11-21T10:00:00+01:00"));
  CHECK_FALSE(is_utc_time(""));
}
