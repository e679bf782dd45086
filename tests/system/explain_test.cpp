// tapctl explain: the rule that decides, before anybody lays a card on.
#include <optional>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/http_server.hpp"
#include "lone_tapd.hpp"
#include "tests/support/deadline.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A venue that is well and has no snapshots: what its guests have, only it knows.
ApiResponse well(const ApiRequest& request) {
  if (request.path.ends_with("/snapshot")) return {.status = 404, .body = R"({"detail":"no"})"};
  if (request.path == "/api/system/status") {
    return {.body = R"({"emergency_stop":false,"value":"false","taps":[]})"};
  }
  return {.body = R"({"ok":true})"};
}

/// Asks this server from now on, by a policy.
void ask_server(LoneTapd& bar, const HttpServer& server, const std::string& policy) {
  bar.write(fmt::format("[server]\nurl = \"http://127.0.0.1:{}\"\nsnapshot_interval_ms = 200\n{}{}",
                        server.port(), policy, LoneTapd::tap_line));
  bar.restart();
  const Deadline deadline{30s};
  while (!bar.get("/status").at("server_reachable").get<bool>()) REQUIRE(deadline.pause(20ms));
}

}  // namespace

TEST_CASE("explain says what a card would get, and which rule denies another", "[system]") {
  LoneTapd bar;
  const FinishedChild good = bar.tapctl({"explain", "card", "04A1B2C3"});
  CHECK(good.status.success());
  CHECK_THAT(good.output, ContainsSubstring("50.00 available") &&
                              ContainsSubstring("tap 1: idle") &&
                              ContainsSubstring("would pour up to"));
  // As telephones print it.
  for (const char* uid : {"04:A1:B2:C3", "04-a1-b2-c3", "04 A1 B2 C3"}) {
    CHECK_THAT(bar.tapctl({"explain", "card", uid}).output, ContainsSubstring("50.00 available"));
    CHECK(bar.tapctl({"pours", "--card", uid}).status.success());
  }
  const FinishedChild unknown = bar.tapctl({"explain", "card", "04ffffff", "--tap", "1"});
  CHECK(unknown.status.success());
  CHECK_THAT(unknown.output, ContainsSubstring("not known here") &&
                                 ContainsSubstring("would be denied: unknown_card"));
  CHECK(bar.tapctl({"lock", "1", "glass broken"}).status.success());
  CHECK_THAT(bar.tapctl({"explain", "tap", "1"}).output,
             ContainsSubstring("tap 1: locked (service: glass broken)"));
  // What is explained is what happens.
  CHECK(bar.tapctl({"unlock", "1"}).status.success());
  bar.sim("card 1 04ffffff");
  CHECK(bar.says("may not pour: unknown_card"));
}

TEST_CASE("explain refuses what is no card and no tap", "[system]") {
  const LoneTapd bar;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"explain", "card", "hello?&tap=1"},
        {"explain", "tap", "9"},
        {"explain", "card", "04a1b2c3", "--tap", "9"}}) {
    const FinishedChild end = bar.tapctl(words);
    CHECK(end.status.code == 1);
    CHECK(end.output.size() > 10);
  }
  CHECK(bar.tapctl({"explain"}).status.code == 2);
}

TEST_CASE("explain leaves to the server what the server decides", "[system]") {
  LoneTapd bar;
  std::optional<HttpServer> server;
  server.emplace(0, well);
  ask_server(bar, *server, "");
  const FinishedChild unseen = bar.tapctl({"explain", "card", "04ffffff"});
  CHECK_THAT(unseen.output,
             ContainsSubstring("the server decides; without it: would be denied: unknown_card"));
  CHECK_THAT(bar.tapctl({"explain", "card", "04a1b2c3"}).output,
             ContainsSubstring("the server decides; without it: would pour up to"));
  ask_server(bar, *server, "[policy]\nsell_offline = false\n");
  CHECK_THAT(
      bar.tapctl({"explain", "card", "04a1b2c3"}).output,
      ContainsSubstring("the server decides; without it: would be denied: offline_not_allowed"));
  // Who is not reachable decides nothing.
  server.reset();
  const Deadline deadline{30s};
  while (bar.get("/status").at("server_reachable").get<bool>()) REQUIRE(deadline.pause(20ms));
  const FinishedChild alone = bar.tapctl({"explain", "card", "04a1b2c3"});
  CHECK_THAT(alone.output, ContainsSubstring("would be denied: offline_not_allowed") &&
                               !ContainsSubstring("the server decides"));
}

TEST_CASE("explain says of a staff card that it opens the service menu", "[system]") {
  LoneTapd bar;
  bar.write(std::string{"[policy]\nservice_cards = [\"04c0ffee\"]\n"} + LoneTapd::tap_line);
  bar.restart();
  const FinishedChild staff = bar.tapctl({"explain", "card", "04c0ffee"});
  CHECK(staff.status.success());
  CHECK_THAT(staff.output,
             ContainsSubstring("opens the service menu") && !ContainsSubstring("denied"));
}

}  // namespace tapd::test
