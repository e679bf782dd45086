// The metrics of a running tapd: on its socket, and on the loopback where that is switched on.
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/api_client.hpp"
#include "httplib.h"
#include "lone_tapd.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/unique_fd.hpp"

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

// Whoever counts must not be able to leave a bar dry.
TEST_CASE("a metrics port that is taken is told, and the taps sell", "[system]") {
  const UniqueFd taken{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(taken.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(taken.get(), 1) == 0);
  REQUIRE(::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);

  LoneTapd bar;
  bar.write(fmt::format("metrics_port = {}\n{}", ntohs(address.sin_port), LoneTapd::tap_line));
  bar.restart();
  CHECK(bar.says(fmt::format("port {} of the loopback", ntohs(address.sin_port))));
  bar.pour();
  CHECK(bar.get("/status").at("queue").at("waiting") == 1);
}

}  // namespace tapd::test
