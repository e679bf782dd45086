#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <nlohmann/json.hpp>

#include "sync/wire.hpp"
#include "tests/sync/samples.hpp"

namespace tapd::sync {
namespace {

using nlohmann::json;

TEST_CASE("the system status tells the emergency stop and may hold much else", "[wire]") {
  json body{{"emergency_stop", true}, {"value", "true"}, {"taps", json::array()}};
  for (int i = 0; i < 500; ++i) body["taps"].push_back({{"tap_id", i}, {"note", "text"}});
  CHECK(decode_system_status(body.dump()) == true);
  body["emergency_stop"] = false;
  CHECK(decode_system_status(body.dump()) == false);
  body["emergency_stop"] = "true";
  CHECK(decode_system_status(body.dump()) == true);
}

TEST_CASE("a status that does not tell is an error, not an all-clear", "[wire]") {
  const auto* const body =
      GENERATE("{}", "[]", "true", R"({"emergency_stop": null})", R"({"emergency_stop": 0})",
               R"({"emergency_stop": "no"})", R"({"emergency_stop": {}})", "", "<html>");
  CAPTURE(body);
  const auto stopped = decode_system_status(body);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().endpoint == "/api/system/status");
}

TEST_CASE("what is announced fits the server's columns", "[wire]") {
  const json body = json::parse(encode_register("bar-1", "192.0.2.7", "0.1.0"));
  CHECK(body == json{{"controller_id", "bar-1"},
                     {"ip_address", "192.0.2.7"},
                     {"firmware_version", "0.1.0"}});
  const json cut = json::parse(
      encode_register(std::string(99, 'c'), std::string(99, 'i'), std::string(99, 'f')));
  CHECK(cut.at("controller_id").get<std::string>().size() == 50);
  CHECK(cut.at("ip_address").get<std::string>().size() == 45);
  CHECK(cut.at("firmware_version").get<std::string>().size() == 20);
  CHECK(json::accept(encode_register("\xff", "\xff\xfe", "\x80")));
}

TEST_CASE("the answer to an announcement is any JSON object", "[wire]") {
  CHECK(decode_register(R"({"controller_id": "bar-1", "last_seen": null})"));
  for (const char* body : {"", "null", "[]", "\"ok\"", "<html></html>", "{"}) {
    CHECK_FALSE(decode_register(body));
  }
}

TEST_CASE("the snapshot's path holds the controller", "[wire]") {
  CHECK(endpoint::snapshot("bar-1") == "/api/controllers/bar-1/snapshot");
}

}  // namespace
}  // namespace tapd::sync
