#include "daemon/service_notify.hpp"

#include <array>
#include <filesystem>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <catch2/catch_test_macros.hpp>

namespace tapd::test {
namespace {

using namespace std::chrono_literals;

/// The manager's end of the conversation.
class Manager {
 public:
  Manager() {
    std::filesystem::remove(path_);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Manager() {
    ::close(socket_);
    std::filesystem::remove(path_);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  Manager(Manager&&) = delete;
  Manager& operator=(Manager&&) = delete;

  [[nodiscard]] const char* path() const { return path_.c_str(); }
  [[nodiscard]] std::string heard() const {
    std::array<char, 64> text{};
    const auto size = ::recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
    return size < 0 ? "" : std::string{text.data(), static_cast<std::size_t>(size)};
  }

 private:
  std::string path_ =
      std::filesystem::temp_directory_path() / ("tapd-notify-" + std::to_string(::getpid()));
  int socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

}  // namespace

TEST_CASE("the service manager hears that tapd is ready, alive and stopping", "[notify]") {
  const Manager manager;
  ServiceNotify service{manager.path(), "2000000", nullptr};
  CHECK(service.period() == std::chrono::nanoseconds{2'000'000'000} / 3);
  service.ready();
  CHECK(manager.heard() == "READY=1\nWATCHDOG_USEC=2000000");
  service.reloading(std::chrono::microseconds{17});
  CHECK(manager.heard() == "RELOADING=1\nMONOTONIC_USEC=17\nWATCHDOG_USEC=120000000");
  service.alive();
  CHECK(manager.heard() == "WATCHDOG=1");
  service.stopping();
  CHECK(manager.heard() == "STOPPING=1");
}

TEST_CASE("without a manager, or with one that is gone, tapd tells nobody", "[notify]") {
  ServiceNotify alone{nullptr, "2000000", nullptr};
  alone.ready();
  CHECK_FALSE(alone.period());
  ServiceNotify deserted{"/nowhere/notify", nullptr, nullptr};
  deserted.alive();
  CHECK_FALSE(deserted.period());
}

TEST_CASE("a watchdog meant for another process, or of no length, is none", "[notify]") {
  const std::string me = std::to_string(::getpid());
  CHECK(ServiceNotify("/nowhere/n", "3000", me.c_str()).period() == 1ms);
  CHECK_FALSE(ServiceNotify("/nowhere/n", "3000", "1").period());
  for (const char* wrong : {"", "0", "-5", "2s", "99999999999999999999"}) {
    CHECK_FALSE(ServiceNotify("/nowhere/n", wrong, nullptr).period());
  }
  const std::string too_long(200, 'x');
  ServiceNotify odd{("/" + too_long).c_str(), "3000", nullptr};
  odd.ready();
  CHECK_FALSE(odd.period());
}

}  // namespace tapd::test
