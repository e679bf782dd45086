// What a technician meets who got something wrong: each a message that names what and where.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/api_client.hpp"
#include "lone_tapd.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unique_fd.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Setup {
  TempDir folder;
  std::string controller = "id = \"bar-1\"";
  std::string server;
  std::string tap = "id = 1\ndriver = \"sim\"\nmeter = { pulses_per_litre = 5600 }\n";

  FinishedChild run(std::vector<std::string> arguments = {}) const {
    std::ofstream{folder / "tapd.toml"} << fmt::format(
        "[controller]\n{}\nstate_dir = \"{}\"\nsocket = "
        "\"{}/tapd.sock\"\n[server]\n{}\n[[tap]]\n{}",
        controller, folder.path().string(), folder.path().string(), server, tap);
    ChildOptions options;
    options.program = TAPD_PROGRAM;
    options.arguments = std::move(arguments);
    options.arguments.insert(options.arguments.end(),
                             {"--config", (folder / "tapd.toml").string()});
    return run_child(options, 30s);
  }
};

/// A program that is not tapd and listens where tapd wants to.
UniqueFd stranger_on(const std::string& socket) {
  UniqueFd stranger{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(socket.copy(address.sun_path, sizeof address.sun_path - 1) == socket.size());
  REQUIRE(::bind(stranger.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(stranger.get(), 1) == 0);
  return stranger;
}

}  // namespace

TEST_CASE("a bad configuration ends with its own exit code and file, line and key", "[system]") {
  Setup setup;
  setup.tap = "id = 1\ndriver = \"sim\"\nmeter = { pulses_per_litre = -450 }\n";
  const FinishedChild end = setup.run();
  CHECK(end.status.code == 78);
  CHECK_THAT(end.output, ContainsSubstring("tapd.toml:10: tap 1.meter.pulses_per_litre: is -450"));
}

TEST_CASE("a check of the configuration says that it is good and opens nothing", "[system]") {
  const Setup setup;
  const FinishedChild end = setup.run({"--check-config"});
  CHECK(end.status.success());
  CHECK_THAT(end.output, ContainsSubstring("good: 1 taps"));
  CHECK_FALSE(std::filesystem::exists(setup.folder / "tapd.db"));
}

TEST_CASE("a missing line or reader is named together with its tap", "[system]") {
  Setup setup;
  setup.tap =
      "id = 3\nmeter = { line = \"GPIO17\", pulses_per_litre = 5600 }\n"
      "valve = { line = \"GPIO22\" }\nreader = { device = \"/dev/spidev0.0\" }\n";
  const FinishedChild end = setup.run();
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("tap 3, valve:") && ContainsSubstring("GPIO22"));
}

// Found by reading: the whole bar was dry while one tap's reader or expander was unplugged.
TEST_CASE("a tap whose devices are missing keeps no other tap from serving", "[system]") {
  LoneTapd bar;
  const std::string missing =
      "[[tap]]\nid = 3\nmeter = { line = \"GPIO-none\", pulses_per_litre = 5600 }\n"
      "valve = { line = \"GPIO-gone\", keep_alive_line = \"GPIO-away\" }\n"
      "reader = { device = \"/dev/spidev-none\", reset_line = \"GPIO-lost\" }\n";
  SECTION("found at a start") {
    bar.write(LoneTapd::tap_line + missing);
    bar.restart();
    SECTION("and at a reload, which takes other changes over") {
      bar.write(LoneTapd::tap_line + missing + "price_per_litre = \"9.00\"\n");
      bar.reload();
      CHECK(bar.says("the new configuration is in force"));
    }
    const auto third = [&bar] { return bar.get("/status").at("taps").at(1); };
    CHECK(third().at("state") == "faulted");
    CHECK(bar.says("GPIO-gone"));
    CHECK(bar.says("GPIO-none"));
    CHECK(bar.says("/dev/spidev-none does not exist: is SPI switched on"));
    CHECK(bar.says("it goes on without its reset line: tap 3, reader's reset line: GPIO-lost"));
    CHECK(bar.says("tapctl clear 3"));
    const FinishedChild cleared = bar.tapctl({"clear", "3"});
    CHECK(cleared.status.code == 1);
    CHECK_THAT(cleared.output, ContainsSubstring("tap 3 is still out of order: valve: GPIO-gone"));
    CHECK(third().at("state") == "faulted");
  }
  SECTION("a reload that names what was never there is refused, and the older file stays") {
    bar.write(LoneTapd::tap_line + missing);
    bar.reload();
    CHECK(bar.says("the old one stays: tap 3, valve: GPIO-gone"));
    // What serves again is made after these words.
    const ApiClient api{bar.folder() / "tapd.sock"};
    for (const Deadline deadline{30s}; !api.get("/status");) REQUIRE(deadline.pause(20ms));
    CHECK(bar.get("/status").at("taps").size() == 1);
  }
  bar.pour();
  CHECK(bar.stop().success());
}

TEST_CASE("shutting the valves needs no ledger, and says for each tap what was done", "[system]") {
  Setup setup;
  setup.tap =
      "id = 3\nmeter = { line = \"GPIO17\", pulses_per_litre = 5600 }\n"
      "valve = { line = \"GPIO-none\" }\nreader = { device = \"/dev/spidev0.0\" }\n"
      "[[tap]]\nid = 4\ndriver = \"sim\"\nmeter = { pulses_per_litre = 5600 }\n";
  const FinishedChild end = setup.run({"--shut-valves"});
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("tap 3, valve: GPIO-none") &&
                             ContainsSubstring("tap 4: simulated, there is no valve to shut"));
  CHECK_FALSE(std::filesystem::exists(setup.folder / "tapd.db"));
  setup.tap = "id = 4\ndriver = \"sim\"\nmeter = { pulses_per_litre = 5600 }\n";
  CHECK(setup.run({"--shut-valves"}).status.success());
}

TEST_CASE("a file that is not a ledger is refused and left as it is", "[system]") {
  const Setup setup;
  std::ofstream{setup.folder / "tapd.db"} << std::string(8'192, 'x');
  const FinishedChild end = setup.run();
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("tapd.db"));
  CHECK(std::filesystem::file_size(setup.folder / "tapd.db") == 8'192);
}

TEST_CASE("a missing state folder is named", "[system]") {
  const Setup setup;
  std::ofstream{setup.folder / "tapd.toml"}
      << "[controller]\nid = \"x\"\nstate_dir = \"/nowhere/x\"\n"
         "[[tap]]\nid = 1\ndriver = \"sim\"\n"
         "meter = { pulses_per_litre = 5600 }\n";
  ChildOptions options;
  options.program = TAPD_PROGRAM;
  options.arguments = {"--config", (setup.folder / "tapd.toml").string()};
  const FinishedChild end = run_child(options, 30s);
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("/nowhere/x"));
}

TEST_CASE("a second tapd on the same ledger or socket is refused, and the first goes on",
          "[system]") {
  const Setup setup;
  // The first run only writes the file.
  REQUIRE(setup.run({"--check-config"}).status.success());
  ChildOptions options;
  options.program = TAPD_PROGRAM;
  options.arguments = {"--config", (setup.folder / "tapd.toml").string()};
  ChildProcess first{options};
  REQUIRE(first.wait_for_output("ready:", 30s));
  const FinishedChild second = setup.run();
  CHECK(second.status.code == 1);
  CHECK_THAT(second.output, ContainsSubstring(setup.folder.path().string()));
  CHECK_FALSE(first.wait(0ms).has_value());
  CHECK(first.stop(30s).success());
}

TEST_CASE("a socket that somebody else listens on is named, and left to him", "[system]") {
  const Setup setup;
  const std::string socket = (setup.folder / "tapd.sock").string();
  const UniqueFd stranger = stranger_on(socket);
  const FinishedChild end = setup.run();
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring(socket) && ContainsSubstring("listens there") &&
                             ContainsSubstring("controller.socket"));
  CHECK(std::filesystem::is_socket(socket));
}

TEST_CASE("a socket's path that leads to a file is named, and the file is not touched",
          "[system]") {
  const Setup setup;
  std::ofstream{setup.folder / "tapd.sock"} << "notes of the owner";
  const FinishedChild end = setup.run();
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("tapd.sock") && ContainsSubstring("is no socket") &&
                             ContainsSubstring("controller.socket"));
  CHECK(std::filesystem::file_size(setup.folder / "tapd.sock") == 18);
}

TEST_CASE("tapctl explains itself and says what to do when nobody answers", "[system]") {
  ChildOptions options;
  options.program = TAPCTL_PROGRAM;
  options.arguments = {"--socket", "/nowhere/tapd.sock", "status"};
  const FinishedChild end = run_child(options, 30s);
  CHECK(end.status.code == 3);
  CHECK_THAT(end.output, ContainsSubstring("/nowhere/tapd.sock") && ContainsSubstring("systemctl"));
  options.arguments = {"--help"};
  CHECK_THAT(run_child(options, 30s).output, ContainsSubstring("status"));
  options.arguments = {"dance"};
  CHECK(run_child(options, 30s).status.code == 2);
}

}  // namespace tapd::test
