// A server that answers what makes no sense: tapd names it, keeps its rows, and goes on.
#include <atomic>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "venue_processes.hpp"

namespace tapd::test {

using namespace std::chrono_literals;

namespace {

/// Answers everything with the same status and body.
class GarbageServer {
 public:
  GarbageServer(int status, const std::string& body, const std::string& type) {
    const auto answer = [this, status, body, type](const httplib::Request&,
                                                   httplib::Response& response) {
      ++asked_;
      response.status = status;
      response.set_content(body, type.c_str());
    };
    server_.Get(".*", answer);
    server_.Post(".*", answer);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread{[this] { server_.listen_after_bind(); }};
  }
  ~GarbageServer() {
    server_.stop();
    thread_.join();
  }
  GarbageServer(const GarbageServer&) = delete;
  GarbageServer& operator=(const GarbageServer&) = delete;
  GarbageServer(GarbageServer&&) = delete;
  GarbageServer& operator=(GarbageServer&&) = delete;

  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  httplib::Server server_;
  int port_{0};
  std::atomic<int> asked_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a server that talks nonsense is named, and the tap stays safe", "[system]") {
  struct Nonsense {
    int status;
    const char* body;
    const char* type;
  };
  const auto nonsense = GENERATE(values<Nonsense>({
      {200, "<html><body>Please log in to the hotel network</body></html>", "text/html"},
      {200, "{\"allowed\": true", "application/json"},
      {200, "{\"allowed\": \"perhaps\", \"results\": 7, \"revision\": -1}", "application/json"},
      {500, "Internal Server Error", "text/plain"},
  }));
  CAPTURE(nonsense.status, nonsense.body);
  const GarbageServer garbage{nonsense.status, nonsense.body, nonsense.type};
  VenueProcesses venue{
      {.server_extra = {}, .tap_extra = {}, .with_server = false, .server_url = garbage.url()}};
  venue.start_tapd();
  REQUIRE(VenueProcesses::eventually([&] { return garbage.asked() >= 2; }, 30s));
  venue.sim(fmt::format("card 1 {}", ann));
  venue.wait_for_state(1, "denied");
  CHECK(venue.tap(1).at("reason") == "unknown_card");
  CHECK(venue.tapd().output().find("server: ") != std::string::npos);
  CHECK(venue.truth().at(0).valve_opens == 0);
  CHECK(venue.stop_tapd().success());
}

}  // namespace tapd::test
