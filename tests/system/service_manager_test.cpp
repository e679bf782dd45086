// What a service manager hears of the real tapd (sd_notify(3)): ready, alive as long as it is idle
// or pours, reloading, stopping.
#include <array>
#include <chrono>
#include <string>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "lone_tapd.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/unique_fd.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::StartsWith;

/// The manager's end: a tapd that is silent for longer than this would be killed.
constexpr auto allowed = 2s;

class Manager {
 public:
  Manager() {
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
  }

  [[nodiscard]] LoneTapd::Environment environment() const {
    return {{"NOTIFY_SOCKET", path()},
            {"WATCHDOG_USEC", std::to_string(std::chrono::microseconds{allowed}.count())}};
  }
  /// The next message; empty: none came.
  [[nodiscard]] std::string hears() const {
    std::array<char, 256> text{};
    const auto size = ::recv(socket_.get(), text.data(), text.size(), 0);
    return size < 0 ? "" : std::string{text.data(), static_cast<std::size_t>(size)};
  }
  /// The next message but for signs of life.
  [[nodiscard]] std::string hears_news() const {
    std::string text = hears();
    while (text == alive) text = hears();
    return text;
  }
  /// Several signs of life, as close together as the manager wants them.
  void require_life() const {
    constexpr int several = 5;
    REQUIRE(hears() == alive);  // the oldest that waited
    const Deadline deadline{several * allowed};
    for (int sign = 0; sign < several; ++sign) REQUIRE(hears() == alive);
    CHECK_FALSE(deadline.passed());
  }

 private:
  static constexpr const char* alive = "WATCHDOG=1";
  [[nodiscard]] std::string path() const { return (folder_ / "notify").string(); }

  TempDir folder_{Medium::memory};
  UniqueFd socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

}  // namespace

TEST_CASE("the service manager hears that tapd is ready, alive, reloading and stopping",
          "[system]") {
  const Manager manager;
  LoneTapd bar{manager.environment()};
  CHECK(manager.hears() == "READY=1\nWATCHDOG_USEC=2000000");
  manager.require_life();

  bar.sim("handle 1 20");
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
  manager.require_life();
  CHECK(bar.tap().at("state") == "pouring");
  bar.sim("card 1 none");
  REQUIRE(bar.says("ended by card_removed"));

  bar.reload();
  CHECK_THAT(manager.hears_news(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(manager.hears_news() == "READY=1\nWATCHDOG_USEC=2000000");
  manager.require_life();

  CHECK(bar.stop().success());
  CHECK(manager.hears_news() == "STOPPING=1");
}

}  // namespace tapd::test
