#include <limits>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <nlohmann/json.hpp>

#include "sync/wire.hpp"
#include "tests/sync/samples.hpp"

namespace tapd::sync {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using Kind = storage::Verdict::Kind;

json only_row(const model::Pour& pour) {
  const PourRows encoded = encode_pours({pour});
  REQUIRE(encoded.unsendable.empty());
  REQUIRE(encoded.rows.size() == 1);
  return json::parse(encoded.body).at("pours").at(0);
}

TEST_CASE("a row has every field of the contract, in its units", "[wire]") {
  const model::Pour pour = test::pour(1, 7);
  const json row = only_row(pour);
  CHECK(row.at("client_tx_id") == pour.begin.client_tx_id.text());
  CHECK(row.at("short_id") == pour.begin.client_tx_id.short_id());
  CHECK(row.at("card_uid") == "04000000000007");
  CHECK(row.at("tap_id") == 1);
  CHECK(row.at("duration_ms") == 15'000);
  CHECK(row.at("volume_ml") == 400);
  CHECK(row.at("tail_volume_ml") == 6);
  CHECK(row.at("price_cents") == 516);
  CHECK(row.at("price_per_ml_at_pour") == "0.0129");
  CHECK(row.at("start_ts") == "2026-11-21T00:00:10.000Z");
  CHECK(row.at("end_ts") == "2026-11-21T00:00:25.000Z");
  CHECK(row.at("guest_id") == test::guest_uuid(7));
  CHECK(row.at("keg_id") == test::guest_uuid(0xAAAA));
  CHECK(row.at("authorized_by") == "cache");
  CHECK(row.at("stop_reason") == "card_removed");
  CHECK(row.at("pulses") == 1800);
  CHECK(row.at("edges_lost") == 0);
  CHECK(row.at("volume_ml").is_number_integer());
  CHECK(row.at("price_per_ml_at_pour").is_string());
}

TEST_CASE("a price that four decimals would round is sent whole", "[wire]") {
  model::Pour pour = test::pour(1);
  pour.begin.price = model::LitrePrice{1295};
  CHECK(only_row(pour).at("price_per_ml_at_pour") == "0.01295");
}

TEST_CASE("UIDs are sent in lower case, whatever they were read from", "[wire]") {
  model::Pour pour = test::pour(1);
  pour.begin.card_uid = model::CardUid::parse("04AB7815CD6B80").value();
  CHECK(only_row(pour).at("card_uid") == "04ab7815cd6b80");
}

TEST_CASE("what is not known is left out, not sent empty", "[wire]") {
  model::Pour pour = test::pour(1);
  pour.begin.guest_id = model::GuestId{"not a uuid"};
  pour.begin.keg_id = model::KegId{};
  pour.begin.start.wall = model::WallTime{};  // The clock was never set.
  pour.end.wall = model::WallTime::max();
  const json row = only_row(pour);
  for (const char* name : {"guest_id", "keg_id", "start_ts", "end_ts"}) {
    CHECK_FALSE(row.contains(name));
  }
}

TEST_CASE("the server dates what a clock that was never set would date wrongly", "[wire]") {
  model::Pour pour = test::pour(1);
  REQUIRE(only_row(pour).contains("start_ts"));
  REQUIRE(only_row(pour).contains("end_ts"));
  pour.begin.start.wall_trusted = pour.end.wall_trusted = false;
  CHECK_FALSE(only_row(pour).contains("start_ts"));
  CHECK_FALSE(only_row(pour).contains("end_ts"));
}

TEST_CASE("a tail is never larger than the volume, at any rounding", "[wire]") {
  test::Dice dice{5};
  for (int i = 0; i < 2000; ++i) {
    model::Pour pour = test::pour(1);
    pour.volume = model::Volume::microlitres(static_cast<std::int64_t>(dice.below(3'000)));
    pour.tail = model::Volume::microlitres(static_cast<std::int64_t>(
        dice.below(static_cast<std::uint64_t>(pour.volume.in_microlitres()) + 1)));
    const PourRows encoded = encode_pours({pour});
    REQUIRE(encoded.rows.size() == 1);
  }
}

/// One row of a batch of one, or none.
bool sendable(const model::Pour& pour) {
  const PourRows encoded = encode_pours({pour});
  CHECK(encoded.rows.size() + encoded.unsendable.size() == 1);
  return encoded.rows.size() == 1;
}

TEST_CASE("the limits of the contract hold at the limit and not one past it", "[wire]") {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  model::Pour pour = test::pour(1);
  SECTION("volume") {
    pour.volume = model::Volume::millilitres(most);
    CHECK(sendable(pour));
    pour.volume = model::Volume::millilitres(most + 1);
    CHECK_FALSE(sendable(pour));
    pour.volume = model::Volume::millilitres(-1);
    CHECK_FALSE(sendable(pour));
  }
  SECTION("tail") {
    pour.tail = pour.volume;
    CHECK(sendable(pour));
    pour.tail = pour.volume + model::Volume::millilitres(1);
    CHECK_FALSE(sendable(pour));
    pour.tail = model::Volume::millilitres(-1);
    CHECK_FALSE(sendable(pour));
  }
  SECTION("duration") {
    pour.duration = std::chrono::milliseconds{most};
    CHECK(sendable(pour));
    pour.duration = std::chrono::milliseconds{most + 1};
    CHECK_FALSE(sendable(pour));
    pour.duration = -1ms;
    CHECK_FALSE(sendable(pour));
    pour.duration = 0ms;
    CHECK(only_row(pour).at("duration_ms") == 1);
  }
  SECTION("price") {
    pour.price = model::largest_amount;
    CHECK(sendable(pour));
    pour.price = model::largest_amount + model::Money{1};
    CHECK_FALSE(sendable(pour));
    pour.price = model::Money{-1};
    CHECK_FALSE(sendable(pour));
  }
  SECTION("litre price") {
    pour.begin.price = model::largest_litre_price;
    CHECK(sendable(pour));
    pour.begin.price = model::LitrePrice{model::largest_litre_price.minor_per_litre() + 1};
    CHECK_FALSE(sendable(pour));
    pour.begin.price = model::LitrePrice{-1};
    CHECK_FALSE(sendable(pour));
  }
  SECTION("tap") {
    for (const std::int32_t tap : {1, 999}) {
      pour.begin.tap_id = model::TapId{tap};
      CHECK(sendable(pour));
    }
    for (const std::int32_t tap : {0, -1, 1000}) {
      pour.begin.tap_id = model::TapId{tap};
      CHECK_FALSE(sendable(pour));
    }
  }
  SECTION("identity") {
    pour.begin.card_uid = model::CardUid{};
    CHECK_FALSE(sendable(pour));
    pour.begin.card_uid = test::card(1);
    pour.begin.client_tx_id = model::ClientTxId{};
    CHECK_FALSE(sendable(pour));
  }
  SECTION("pulses") {
    pour.pulses = -1;
    CHECK_FALSE(sendable(pour));
  }
}

TEST_CASE("a row that no server could take does not spoil its batch", "[wire]") {
  model::Pour wild = test::pour(2);
  wild.price = model::Money{-5};
  const PourRows encoded = encode_pours({test::pour(1), wild, test::pour(3)});
  CHECK(encoded.rows == std::vector{test::tx(1), test::tx(3)});
  CHECK(json::parse(encoded.body).at("pours").size() == 2);
  REQUIRE(encoded.unsendable.size() == 1);
  CHECK(encoded.unsendable[0].client_tx_id == test::tx(2));
  CHECK(encoded.unsendable[0].kind == Kind::final_failure);
  CHECK(encoded.unsendable[0].reason.find("-5") != std::string::npos);
}

TEST_CASE("results are read as they stand", "[wire]") {
  const auto answer = decode_pours(
      R"({"results": [{"client_tx_id": "a", "status": "accepted", "outcome": "x", "reason": null},
                      {"client_tx_id": "b", "status": "rejected"}], "more": 1})");
  REQUIRE(answer);
  REQUIRE(answer->results.size() == 2);
  CHECK(answer->results[0].outcome == "x");
  CHECK(answer->results[0].reason.empty());
  CHECK(answer->results[1].status == "rejected");
  CHECK(answer->unreadable == 0);
}

TEST_CASE("one result that makes no sense hides no other", "[wire]") {
  const auto answer = decode_pours(
      R"({"results": [7, null, {}, {"client_tx_id": 5}, {"client_tx_id": "ok", "status": [1]},
                      {"client_tx_id": "fine", "status": "accepted"}]})");
  REQUIRE(answer);
  CHECK(answer->unreadable == 4);
  REQUIRE(answer->results.size() == 2);
  CHECK(answer->results[0].status.empty());
  CHECK(answer->results[1].status == "accepted");
}

TEST_CASE("an answer to pours that is none names the endpoint", "[wire]") {
  const auto* const body =
      GENERATE("", " ", "null", "[]", "{}", R"({"results": null})", R"({"results": {}})",
               "<html></html>", "{\"results\": [", "\xff\xfe", R"({"results": "accepted"})",
               "{\"results\": [1e999]}", "nan", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
  CAPTURE(body);
  const auto answer = decode_pours(body);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().endpoint == "/api/sync/pours");
  CHECK_FALSE(answer.error().why.empty());
}

TEST_CASE("words of the server are printable and bounded before they are kept", "[wire]") {
  const json body{{"results",
                   {{{"client_tx_id", "a"},
                     {"status", "accepted"},
                     {"outcome", std::string(5'000, 'x')},
                     {"reason", "two\nlines\x1b[31m and \xc3\xa4"}}}}};
  const auto answer = decode_pours(body.dump());
  REQUIRE(answer);
  CHECK(answer->results[0].outcome.size() <= 64);
  for (const char c : answer->results[0].reason) CHECK((c >= ' ' && c <= '~'));
}

}  // namespace
}  // namespace tapd::sync
