// The metrics of a running tapd: on its socket, and on the loopback where that is switched on.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/api_client.hpp"
#include "httplib.h"
#include "lone_tapd.hpp"
#include "tests/support/free_port.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("a pour is in the metrics, on the socket and on the loopback port", "[system]") {
  LoneTapd bar;
  const int port = free_port();
  bar.write("metrics_port = " + std::to_string(port) + "\n" + LoneTapd::tap_line);
  bar.restart();
  bar.sim("handle 1 100");
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
  bar.sim("card 1 none");
  REQUIRE(bar.says("ended by card_removed"));
  const auto local = ApiClient{bar.folder() / "tapd.sock"}.get("/metrics");
  REQUIRE(local);
  httplib::Client client{"127.0.0.1", port};
  const auto remote = client.Get("/metrics");
  REQUIRE(remote);
  for (const std::string& text : {local->body, remote->body}) {
    CHECK_THAT(text,
               ContainsSubstring("tapd_sessions_total{outcome=\"card_removed\",tap=\"1\"} 1"));
    CHECK_THAT(text, ContainsSubstring("tapd_commit_seconds_count"));
    CHECK_THAT(text, ContainsSubstring("tapd_queue_rows{status=\"waiting\"} 1"));
    CHECK_THAT(text, ContainsSubstring("tapd_card_to_valve_seconds_count 1"));
  }
  // Nothing but the metrics is to be had there.
  const auto other = client.Post("/service", R"({"tap":1})", "application/json");
  REQUIRE(other);
  CHECK(other->status == 404);
}

}  // namespace tapd::test
