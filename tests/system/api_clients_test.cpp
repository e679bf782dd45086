// Clients of the local socket who talk nonsense, stay silent or never read: the taps go on, and
// whoever behaves is served.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstring>

#include "lone_tapd.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/unique_fd.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A client by hand: what it sends and what it reads is up to the test.
class RawClient {
 public:
  explicit RawClient(const LoneTapd& bar)
      : socket_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (bar.folder() / "tapd.sock").string();
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
  }
  void send(const std::string& text) const {
    [[maybe_unused]] const auto sent =
        ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  /// What has come by now.
  void read() {
    char room[4'096];
    for (;;) {
      const auto got = ::recv(socket_.get(), room, sizeof room, 0);
      if (got == 0) closed_ = true;
      if (got <= 0) return;
      said_.append(room, static_cast<std::size_t>(got));
    }
  }
  [[nodiscard]] bool is_told(const std::string& text, std::chrono::milliseconds limit) {
    const Deadline deadline{limit};
    for (;;) {
      read();
      if (said_.find(text) != std::string::npos) return true;
      if (!deadline.pause(20ms)) return false;
    }
  }
  [[nodiscard]] bool is_closed(std::chrono::milliseconds limit) {
    const Deadline deadline{limit};
    for (;;) {
      read();
      if (closed_) return true;
      if (!deadline.pause(20ms)) return false;
    }
  }
  /// The other side has gone, whatever of it lies unread.
  [[nodiscard]] bool is_dropped() const {
    pollfd one{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
    return ::poll(&one, 1, 0) > 0 && (one.revents & (POLLHUP | POLLRDHUP)) != 0;
  }
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  UniqueFd socket_;
  std::string said_;
  bool closed_{false};
};

constexpr const char* listen = "GET /stream HTTP/1.1\r\nHost: tapd\r\n\r\n";

void pour(LoneTapd& bar, int ml_per_s = 100) {
  bar.sim("handle 1 " + std::to_string(ml_per_s));
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
}

}  // namespace

TEST_CASE("a screen is told each change of a tap: price, volume, money, what is left, receipt",
          "[system][stream]") {
  LoneTapd bar;
  RawClient screen{bar};
  screen.send(listen);
  REQUIRE(screen.is_told(R"("state":"idle")", 5s));
  CHECK_THAT(screen.said(), ContainsSubstring("application/x-ndjson"));
  pour(bar);
  REQUIRE(screen.is_told(R"("state":"pouring")", 5s));
  for (const char* key : {"\"reason\":", "\"beverage\":", "\"price_per_litre_cents\":",
                          "\"volume_ml\":", "\"price_cents\":", "\"left_ml\":", "\"left_cents\":",
                          "\"receipt\":", "\"card\":\"..b2c3\""}) {
    CHECK_THAT(screen.said(), ContainsSubstring(key));
  }
  CHECK(screen.said().find("04a1b2c3") == std::string::npos);
  bar.sim("card 1 none");
  REQUIRE(screen.is_told(R"("state":"settling")", 5s));
  REQUIRE(screen.is_told(R"({"alive":true})", 10s));
}

TEST_CASE("clients that send garbage get an error or the door, and a pour goes on",
          "[system][stream]") {
  LoneTapd bar;
  pour(bar);
  for (const std::string& garbage :
       {std::string{"\x16\x03\x01\x02"}, std::string{"EHLO me\r\n\r\n"}, std::string{"GET /stream"},
        std::string(100'000, 'A'), std::string(64, '\0'),
        std::string{"POST /service HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999\r\n\r\n{"},
        std::string{"GET /%00%ff/../.. HTTP/1.1\r\nHost: t\r\n\r\n"},
        std::string{"GET /cards?after=x HTTP/1.1\r\nHost: t\r\n\r\n"}}) {
    RawClient client{bar};
    client.send(garbage);
    CHECK(bar.tap().at("valve_open") == true);
  }
  bar.sim("card 1 none");
  REQUIRE(bar.says("ended by card_removed"));
}

TEST_CASE("a screen that listens holds up neither a reload nor a stop", "[system][stream]") {
  LoneTapd bar;
  RawClient screen{bar};
  screen.send(listen);
  REQUIRE(screen.is_told(R"("state":"idle")", 5s));
  bar.reload();
  CHECK(bar.says("the new configuration is in force"));
  CHECK(screen.is_closed(5s));
  RawClient next{bar};
  next.send(listen);
  REQUIRE(next.is_told(R"("state":"idle")", 5s));
  CHECK(bar.stop().success());
}

TEST_CASE("a client that never reads is dropped, and neither taps nor others wait for it",
          "[system][stream]") {
  LoneTapd bar;
  RawClient sleeper{bar};
  RawClient screen{bar};
  sleeper.send(listen);
  screen.send(listen);
  pour(bar, 10);
  REQUIRE(screen.is_told(R"("state":"pouring")", 5s));
  const Deadline deadline{60s};
  while (!sleeper.is_dropped()) {
    screen.read();
    REQUIRE(deadline.pause(200ms));
  }
  CHECK(bar.tap().at("state") == "pouring");
  CHECK_FALSE(screen.is_closed(10ms));
  const auto said = screen.said().size();
  REQUIRE(deadline.pause(1s));
  screen.read();
  CHECK(screen.said().size() > said);
}

TEST_CASE("more clients than there is room for are told so, and the rest go on listening",
          "[system][stream]") {
  LoneTapd bar;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<RawClient>(bar));
    clients.back()->send(listen);
    REQUIRE(clients.back()->is_told(R"("state":"idle")", 5s));
  }
  RawClient late{bar};
  late.send(listen);
  REQUIRE(late.is_told("too many clients", 5s));
  pour(bar);
  for (const auto& client : clients) CHECK(client->is_told(R"("state":"pouring")", 5s));
  clients.clear();  // and when they have gone there is room again
  const Deadline deadline{20s};
  for (bool served = false; !served;) {
    RawClient again{bar};
    again.send(listen);
    served = again.is_told(R"("tap_id":1)", 1s);
    REQUIRE((served || deadline.pause(200ms)));
  }
}

}  // namespace tapd::test
