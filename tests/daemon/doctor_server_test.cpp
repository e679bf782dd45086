// The doctor's question to servers of several kinds: the existing one, which answers 401 where it
// has no path, and what is no venue server at all.
#include <atomic>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/doctor.hpp"
#include "daemon/http_server.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;

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

}  // namespace tapd::test
