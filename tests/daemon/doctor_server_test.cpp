// The doctor's question to servers of several kinds: the existing one, which answers 401 where it
// has no path, and what is no venue server at all.
#include <atomic>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "daemon/doctor.hpp"
#include "daemon/http_server.hpp"
#include "tests/sync/raw_server.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using sync::test::RawServer;

namespace {

const model::WallTime today{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};

/// What the doctor finds of the server at `url`.
Finding found_at(const std::string& url) {
  Config config;
  config.controller_id = "bar-1";
  config.server.url = url;
  const Findings findings = check_server(config, today);
  REQUIRE(findings.size() == 1);
  if (findings[0].health != Health::good) CHECK_FALSE(findings[0].next.empty());
  return findings[0];
}

Finding found_of(ApiHandler handler) {
  const HttpServer server{0, std::move(handler)};
  return found_at(fmt::format("http://127.0.0.1:{}", server.port()));
}

Finding found_after(const std::string& answer) {
  const RawServer server{answer, RawServer::Then::hang_up};
  return found_at(server.url());
}

/// What the doctor finds of a running tapd that is configured to ask a server.
Findings found_of_tapd(const char* status) {
  Config config;
  config.server.url = "https://venue.example";
  return check_running(json::parse(status), config);
}

/// The existing server: 401 where it has no path, and without the token everywhere.
ApiResponse existing(const ApiRequest& request, bool takes_token) {
  if (request.path != "/api/sync/pours" || !takes_token) {
    return {.status = 401, .body = R"({"detail":"Invalid token"})"};
  }
  CHECK(request.body == R"({"pours":[]})");
  return {.status = 400, .body = R"({"detail":"No pours"})"};
}

}  // namespace

TEST_CASE("a server without snapshots that takes the token is good, one that does not is bad",
          "[doctor]") {
  const auto of = [](bool takes_token) {
    return found_of([=](const ApiRequest& request) { return existing(request, takes_token); });
  };
  const Finding good = of(true);
  INFO(good.what);
  CHECK(good.health == Health::good);
  const Finding refused = of(false);
  CHECK(refused.health == Health::bad);
  CHECK_THAT(refused.what, ContainsSubstring("401") && ContainsSubstring("the token"));
}

TEST_CASE("a large venue's snapshot is not fetched to see whether the server is well", "[doctor]") {
  std::atomic<bool> fetched{false};
  const Finding finding = found_of([&](const ApiRequest& request) -> ApiResponse {
    if (request.path != "/api/sync/pours") fetched = true;
    return {.status = 200, .body = R"({"results":[]})"};
  });
  CHECK(finding.health == Health::good);
  CHECK_FALSE(fetched);
}

TEST_CASE("what answers but is no venue server is bad: a redirect, a login page, another path",
          "[doctor]") {
  const Finding moved = found_after(
      "HTTP/1.1 301 Moved Permanently\r\nLocation: https://new.example/api\r\n"
      "Content-Length: 0\r\n\r\n");
  CHECK(moved.health == Health::bad);
  CHECK_THAT(moved.what, ContainsSubstring("301"));
  CHECK_THAT(moved.next, ContainsSubstring("https://new.example/api"));
  const Finding portal = found_after(
      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 19\r\n\r\n"
      "<html>Log in</html>");
  CHECK(portal.health == Health::bad);
  CHECK_THAT(portal.what, ContainsSubstring("no venue server"));
  const Finding elsewhere = found_of([](const ApiRequest&) -> ApiResponse {
    return {.status = 404, .body = R"({"detail":"Not Found"})"};
  });
  CHECK(elsewhere.health == Health::bad);
  CHECK_THAT(elsewhere.next, ContainsSubstring("server.url"));
  const Finding busy = found_of([](const ApiRequest&) -> ApiResponse {
    return {.status = 503, .body = R"({"detail":"database away"})"};
  });
  CHECK(busy.health == Health::doubtful);
}

TEST_CASE("a server that is silent is told with what becomes of the guests", "[doctor]") {
  Config config;
  config.server.url = "http://127.0.0.1:9";
  CHECK_THAT(check_server(config, today).at(0).next, ContainsSubstring("guests pour"));
  config.policy.sell_offline = false;
  CHECK_THAT(check_server(config, today).at(0).next, ContainsSubstring("no guest is served"));
}

TEST_CASE("a running tapd that asks no server is bad, one that is not answered is doubtful",
          "[doctor]") {
  const Findings good = found_of_tapd(R"({"no_server": "", "server_reachable": true, "taps": []})");
  REQUIRE(good.size() == 1);
  CHECK(good[0].health == Health::good);
  const Findings silent =
      found_of_tapd(R"({"no_server": "", "server_reachable": false, "taps": []})");
  REQUIRE(silent.size() == 2);
  CHECK(silent[1].health == Health::doubtful);
  CHECK_THAT(silent[1].next, ContainsSubstring("systemctl restart tapd"));
  const Findings deaf = found_of_tapd(
      R"({"no_server": "[server]: token: no token", "server_reachable": false, "taps": []})");
  REQUIRE(deaf.size() == 2);
  CHECK(deaf[1].health == Health::bad);
  CHECK_THAT(deaf[1].what, ContainsSubstring("[server]: token: no token"));
  // A bar that is meant to be without one is told so where the configuration is looked at.
  CHECK(check_running(json::parse(R"({"no_server": "no server.url is configured"})"), {}).size() ==
        1);
}

TEST_CASE("a tap that is faulted is bad, one that staff locked is doubtful", "[doctor]") {
  const Findings findings = found_of_tapd(
      R"({"no_server": "", "server_reachable": true, "taps": [
          {"tap_id": 1, "state": "faulted", "reason": "noise"},
          {"tap_id": 2, "state": "locked", "reason": "lye"}, {"tap_id": 3, "state": "idle"}]})");
  REQUIRE(findings.size() == 3);
  CHECK(findings[1].health == Health::bad);
  CHECK(findings[2].health == Health::doubtful);
}

}  // namespace tapd::test
