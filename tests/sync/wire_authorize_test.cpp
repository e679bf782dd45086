#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <nlohmann/json.hpp>

#include "sync/wire.hpp"
#include "tests/sync/samples.hpp"

namespace tapd::sync {
namespace {

using nlohmann::json;

json grant() {
  return {{"allowed", true},
          {"visit", {{"visit_id", test::guest_uuid(50)}, {"guest_id", test::guest_uuid(7)}}},
          {"guest_first_name", "Anna"},
          {"min_start_ml", 20},
          {"max_volume_ml", 1500},
          {"price_per_ml_cents", 2},
          {"balance_cents", 3002},
          {"allowed_overdraft_cents", 0},
          {"safety_ml", 2},
          {"lock_set_at", "2026-11-21T10:00:00Z"}};
}

tl::expected<Allowed, std::string> allowed(const json& body) {
  const auto answer = decode_authorize(body.dump());
  if (!answer) return tl::make_unexpected(answer.error().why);
  const auto* leave = std::get_if<Allowed>(&*answer);
  if (leave == nullptr) return tl::make_unexpected(std::string{"refused"});
  return *leave;
}

TEST_CASE("an authorization names the card in lower case and the tap", "[wire]") {
  const auto uid = model::CardUid::parse("04AB7815CD6B80").value();
  CHECK(json::parse(encode_authorize(uid, model::TapId{3})) ==
        json{{"card_uid", "04ab7815cd6b80"}, {"tap_id", 3}});
}

TEST_CASE("leave to pour carries guest, balance, limits and prices", "[wire]") {
  json body = grant();
  auto leave = allowed(body);
  REQUIRE(leave);
  CHECK(leave->guest_id.text() == test::guest_uuid(7));
  CHECK(leave->guest_first_name == "Anna");
  CHECK(leave->balance == model::Money{3002});
  CHECK(leave->most == model::Volume::millilitres(1500));
  CHECK(leave->least == model::Volume::millilitres(20));
  CHECK(leave->rounded_price == model::LitrePrice{2000});
  CHECK_FALSE(leave->price);
  body["price_per_litre_cents"] = 1290;
  leave = allowed(body);
  REQUIRE(leave);
  CHECK(leave->price == model::LitrePrice{1290});
}

TEST_CASE("what the venue allows beyond the balance is read, and none when it is not told",
          "[wire]") {
  json body = grant();
  body["allowed_overdraft_cents"] = 500;
  CHECK(allowed(body)->overdraft == model::Money{500});
  body["allowed_overdraft_cents"] = 5'000'000'000;
  CHECK(allowed(body)->overdraft == model::largest_amount);
  body["allowed_overdraft_cents"] = nullptr;
  CHECK(allowed(body)->overdraft == model::Money{});
  body.erase("allowed_overdraft_cents");
  CHECK(allowed(body)->overdraft == model::Money{});
}

TEST_CASE("a guest without a name or with a debt is still a guest", "[wire]") {
  json body = grant();
  body["guest_first_name"] = nullptr;
  body["balance_cents"] = -120;
  const auto leave = allowed(body);
  REQUIRE(leave);
  CHECK(leave->guest_first_name.empty());
  CHECK(leave->balance == model::Money{-120});
}

TEST_CASE("a purse for more than any keg holds is cut to the largest volume", "[wire]") {
  json body = grant();
  body["max_volume_ml"] = 50'000'000;
  CHECK(allowed(body)->most == model::Volume::largest());
}

TEST_CASE("a balance larger than tapd counts with is cut to what it counts with", "[wire]") {
  json body = grant();
  body["balance_cents"] = 2'000'000'000;
  REQUIRE(allowed(body));
  CHECK(allowed(body)->balance == model::largest_amount);
}

TEST_CASE("each field is checked, and the error names it", "[wire]") {
  struct Wrong {
    const char* field;
    json value;
  };
  const auto wrong = GENERATE(
      Wrong{"allowed", "yes"}, Wrong{"allowed", 1}, Wrong{"visit", nullptr},
      Wrong{"visit", json::array()}, Wrong{"balance_cents", "3002"}, Wrong{"balance_cents", 30.02},
      Wrong{"balance_cents", 1'000'000'000'001}, Wrong{"balance_cents", -1'000'000'000'001},
      Wrong{"balance_cents", 18446744073709551615ULL}, Wrong{"max_volume_ml", -1},
      Wrong{"max_volume_ml", 1e30}, Wrong{"max_volume_ml", true}, Wrong{"min_start_ml", -20},
      Wrong{"price_per_ml_cents", -2}, Wrong{"price_per_ml_cents", 100'001},
      Wrong{"price_per_litre_cents", -1}, Wrong{"price_per_litre_cents", 100'000'001},
      Wrong{"price_per_litre_cents", "12.90"}, Wrong{"guest_first_name", 5},
      Wrong{"allowed_overdraft_cents", -1}, Wrong{"allowed_overdraft_cents", "5.00"});
  CAPTURE(wrong.field, wrong.value);
  json body = grant();
  body[wrong.field] = wrong.value;
  const auto leave = allowed(body);
  REQUIRE_FALSE(leave);
  CHECK(leave.error().find(wrong.field) != std::string::npos);
}

TEST_CASE("each needed field is missed, and the error names it", "[wire]") {
  const auto* const field = GENERATE("allowed", "visit", "balance_cents", "max_volume_ml",
                                     "min_start_ml", "price_per_ml_cents");
  json body = grant();
  body.erase(field);
  const auto leave = allowed(body);
  REQUIRE_FALSE(leave);
  CHECK(leave.error().find(field) != std::string::npos);
}

TEST_CASE("a nested field is named with its way", "[wire]") {
  json body = grant();
  body["visit"]["guest_id"] = 12;
  CHECK(allowed(body).error().find("visit.guest_id") != std::string::npos);
}

TEST_CASE("allowed: false with 200 is a refusal", "[wire]") {
  const auto answer = decode_authorize(R"({"allowed": false, "detail": {"reason": "lost_card"}})");
  REQUIRE(answer);
  REQUIRE(std::holds_alternative<Refused>(*answer));
  CHECK(std::get<Refused>(*answer).reason == "lost_card");
  const auto bare = decode_authorize(R"({"allowed": false})");
  REQUIRE(bare);
  CHECK(std::get<Refused>(*bare).reason == "not_allowed");
}

TEST_CASE("a web page is not leave to pour", "[wire]") {
  const auto answer = decode_authorize("  <!doctype html><html><body>Log in</body></html>");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().endpoint == "/api/visits/authorize-pour");
}

TEST_CASE("an error body is understood in each of its shapes", "[wire]") {
  struct Shape {
    const char* body;
    const char* reason;
    const char* message;
  };
  const auto shape = GENERATE(
      Shape{R"({"detail": {"reason": "lost_card", "message": "Card is lost", "context": {}}})",
            "lost_card", "Card is lost"},
      Shape{R"({"detail": {"reason": "x"}})", "x", ""},
      Shape{R"({"detail": {"reason": 5, "message": []}})", "", ""},
      Shape{R"({"detail": "Shift is closed"})", "", "Shift is closed"},
      Shape{R"({"detail": [{"loc": ["body", "pours", 3, "volume_ml"], "msg": "too large"}]})", "",
            "body.pours.3.volume_ml: too large"},
      Shape{R"({"detail": []})", "", ""}, Shape{R"({"detail": ["no"]})", "", "no"},
      Shape{R"({"detail": [[1]]})", "", "[1]"}, Shape{R"({"detail": null})", "", "null"},
      Shape{R"({"error": 1})", "", R"({"error":1})"}, Shape{"[]", "", "[]"},
      Shape{"Internal Server Error", "", "Internal Server Error"}, Shape{"", "", ""},
      Shape{"\xff\x01 bad", "", "?? bad"});
  CAPTURE(shape.body);
  const ErrorBody said = decode_error(shape.body);
  CHECK(said.reason == shape.reason);
  CHECK(said.message == shape.message);
}

TEST_CASE("an endless error body becomes one short line", "[wire]") {
  CHECK(decode_error(std::string(3'000'000, 'x')).message.size() <= 200);
  CHECK(decode_error(json{{"detail", std::string(9'000, '\n')}}.dump()).message.size() <= 200);
}

}  // namespace
}  // namespace tapd::sync
