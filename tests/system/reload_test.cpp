// SIGHUP: a new configuration is taken over between pours, and a bad one is not.
#include <fstream>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "lone_tapd.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("after SIGHUP the new configuration is in force, without another process", "[system]") {
  LoneTapd bar;
  bar.write(std::string{LoneTapd::tap_line} +
            "[[tap]]\nid = 2\ndriver = \"sim\"\nmeter = { pulses_per_litre = 450 }\n");
  bar.reload();
  REQUIRE(bar.says("the new configuration is in force"));
  REQUIRE(bar.says("ready: 2 taps"));
  CHECK_THAT(bar.status(), ContainsSubstring("\"tap_id\":2"));
  CHECK(bar.stop().success());
}

TEST_CASE("a bad new configuration is refused with file, line and key, and the taps go on",
          "[system]") {
  LoneTapd bar;
  bar.write("[[tap]]\nid = 1\ndriver = \"sim\"\nmeter = { pulses_per_liter = 5600 }\n");
  bar.reload();
  REQUIRE(bar.says("the old one stays"));
  CHECK_THAT(bar.said(), ContainsSubstring("tapd.toml:8") && ContainsSubstring("pulses_per_liter"));
  CHECK_THAT(bar.status(), ContainsSubstring("\"state\":\"idle\""));
  CHECK(bar.stop().success());
}

TEST_CASE("a new configuration that cannot be opened is given up for the old one", "[system]") {
  LoneTapd bar;
  bar.write(std::string{LoneTapd::tap_line} +
            "[server]\nurl = \"http://127.0.0.1:9\"\ntoken_file = \"absent\"\n");
  bar.reload();
  REQUIRE(bar.says("cannot run with the new configuration"));
  CHECK_THAT(bar.said(), ContainsSubstring("tapd_absent"));
  CHECK(bar.says("tap 1: valve"));
  CHECK(bar.stop().success());
  // The valve was opened for the old configuration again, and the API as well.
  CHECK_THAT(bar.said(), !ContainsSubstring("cannot run:"));
}

// Found by reading: each of the two gave a dead meter another minute of free beer.
TEST_CASE("a tap that was closed for its silence is closed after a reload and a restart",
          "[system]") {
  LoneTapd bar;
  bar.write(std::string{LoneTapd::tap_line} + "no_flow_timeout_ms = 1000\nsilent_pours = 1\n");
  bar.restart();
  bar.sim("meter 1 silent");
  bar.sim("handle 1 100");
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("ended by no_flow"));
  bar.sim("card 1 none");
  REQUIRE(bar.says("silent: "));
  const auto is_closed = [&bar] {
    const nlohmann::json tap = bar.tap();
    CHECK(tap.at("state") == "locked");
    CHECK_THAT(tap.dump(), ContainsSubstring("silent: "));
  };
  is_closed();
  bar.reload();
  REQUIRE(bar.says("the new configuration is in force"));
  is_closed();
  bar.restart();
  is_closed();
  CHECK(bar.tapctl({"clear", "1"}).status.success());
  CHECK(bar.tap().at("state") == "idle");
  bar.restart();
  CHECK(bar.tap().at("state") == "idle");
  CHECK(bar.stop().success());
}

// At a start there is no older configuration: the bar must not stay dry for it.
TEST_CASE("a file of the server's that is missing at a start is named, and the taps sell",
          "[system]") {
  struct Missing {
    std::string keys, key, file;
  };
  const auto missing = GENERATE(values<Missing>(
      {{"token_file = \"absent\"", "server.token_file", "/tapd_absent"},
       {"token_file = \"/nowhere/token\"", "server.token_file", "/nowhere/token"},
       {"ca_file = \"/nowhere/ca.pem\"", "[server]", "/nowhere/ca.pem"},
       {"client_certificate_file = \"/nowhere/own.pem\"\nclient_key_file = \"/nowhere/own.key\"",
        "[server]", "/nowhere/own.pem"}}));
  LoneTapd bar;
  bar.write(std::string{LoneTapd::tap_line} + "[server]\nurl = \"https://127.0.0.1:9\"\n" +
            missing.keys + "\n");
  bar.restart();
  CHECK_THAT(bar.said(), ContainsSubstring("the server is not asked") &&
                             ContainsSubstring(missing.key) && ContainsSubstring(missing.file) &&
                             ContainsSubstring("systemctl reload tapd"));
  bar.pour();
  const nlohmann::json status = bar.get("/status");
  CHECK(status.at("queue").at("waiting") == 1);
  CHECK(status.at("server_reachable") == false);
  CHECK(bar.stop().success());
}

// Found by reading: the engine refused the token where nobody caught it, and the bar stayed dry.
TEST_CASE("a token that no server could take keeps no bar dry, at a start and at a reload",
          "[system]") {
  LoneTapd bar;
  const std::filesystem::path token = bar.folder() / "token";
  bar.write(std::string{LoneTapd::tap_line} + "[server]\nurl = \"http://127.0.0.1:9\"\n" +
            "token_file = \"" + token.string() + "\"\n");
  std::ofstream{token, std::ios::binary} << "s3cret \r\n";
  bar.restart();
  CHECK_THAT(bar.said(), !ContainsSubstring("the server is not asked"));
  std::ofstream{token, std::ios::binary} << "s3 cret\n";
  bar.reload();
  CHECK(bar.says("the token must be printable ASCII without blanks"));
  CHECK(bar.says("the server is not asked"));
  bar.restart();
  CHECK_THAT(bar.said(), ContainsSubstring("the server is not asked"));
  bar.pour();
  CHECK(bar.stop().success());
}

TEST_CASE("a bare name of a token is looked for among the credentials", "[system]") {
  LoneTapd bar;
  std::ofstream{bar.folder() / "tapd_token"} << "secret\n";
  bar.write(std::string{LoneTapd::tap_line} +
            "[server]\nurl = \"http://127.0.0.1:9\"\ntoken_file = \"token\"\n");
  bar.reload();
  CHECK(bar.says("the new configuration is in force"));
  CHECK(bar.stop().success());
}

TEST_CASE("a reload waits until nobody pours", "[system]") {
  LoneTapd bar;
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
  bar.sim("handle 1 50");
  bar.reload();
  CHECK(bar.says("a new configuration waits until nobody pours at any tap"));
  // What is asked afterwards is answered afterwards: the loop has seen the signal by then.
  for (int i = 0; i < 5; ++i) CHECK_THAT(bar.status(), ContainsSubstring("\"receipt\""));
  CHECK_THAT(bar.said(), !ContainsSubstring("in force"));
  bar.sim("card 1 none");
  REQUIRE(bar.says("ended by card_removed"));
  CHECK(bar.says("the new configuration is in force"));
  CHECK(bar.stop().success());
}

}  // namespace tapd::test
