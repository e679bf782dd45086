// SIGHUP: a new configuration is taken over between pours, and a bad one is not.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/api_client.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A tapd with one simulated tap, and a guest with 50.00 in its ledger.
class ReloadedBar {
 public:
  ReloadedBar() {
    write(tap_line);
    REQUIRE(run_child({.program = SEED_LEDGER_PROGRAM,
                       .arguments = {(folder_ / "tapd.db").string(), "1000", "04a1b2c3=5000"}},
                      30s)
                .status.success());
    tapd_.emplace(
        ChildOptions{.program = TAPD_PROGRAM,
                     .arguments = {"--config", (folder_ / "tapd.toml").string()},
                     .environment = {{"CREDENTIALS_DIRECTORY", folder_.path().string()}}});
    REQUIRE(says("ready: 1 taps"));
  }

  static constexpr const char* tap_line =
      "[[tap]]\nid = 1\ndriver = \"sim\"\nmeter = { pulses_per_litre = 5600 }\n";

  void write(const std::string& rest) const {
    std::ofstream{folder_ / "tapd.toml"} << fmt::format(
        "[controller]\nid = \"bar-1\"\nstate_dir = \"{0}\"\nsocket = \"{0}/tapd.sock\"\n{1}",
        folder_.path().string(), rest);
  }
  void reload() const { tapd_->signal(SIGHUP); }
  [[nodiscard]] bool says(const std::string& text) { return tapd_->wait_for_output(text, 30s); }
  [[nodiscard]] std::string said() const { return tapd_->output(); }
  [[nodiscard]] std::string status() const {
    const auto answer = ApiClient{folder_ / "tapd.sock"}.get("/status");
    return answer ? answer->body : answer.error();
  }
  void sim(const std::string& command) const {
    REQUIRE(ApiClient{folder_ / "tapd.sock"}.post("/sim", command)->status == 200);
  }
  [[nodiscard]] ExitStatus stop() { return tapd_->stop(30s); }
  [[nodiscard]] const TempDir& folder() const { return folder_; }

 private:
  TempDir folder_;
  std::optional<ChildProcess> tapd_;
};

}  // namespace

TEST_CASE("after SIGHUP the new configuration is in force, without another process", "[system]") {
  ReloadedBar bar;
  bar.write(std::string{ReloadedBar::tap_line} +
            "[[tap]]\nid = 2\ndriver = \"sim\"\nmeter = { pulses_per_litre = 450 }\n");
  bar.reload();
  REQUIRE(bar.says("the new configuration is in force"));
  REQUIRE(bar.says("ready: 2 taps"));
  CHECK_THAT(bar.status(), ContainsSubstring("\"tap_id\":2"));
  CHECK(bar.stop().success());
}

TEST_CASE("a bad new configuration is refused with file, line and key, and the taps go on",
          "[system]") {
  ReloadedBar bar;
  bar.write("[[tap]]\nid = 1\ndriver = \"sim\"\nmeter = { pulses_per_liter = 5600 }\n");
  bar.reload();
  REQUIRE(bar.says("the old one stays"));
  CHECK_THAT(bar.said(), ContainsSubstring("tapd.toml:8") && ContainsSubstring("pulses_per_liter"));
  CHECK_THAT(bar.status(), ContainsSubstring("\"state\":\"idle\""));
  CHECK(bar.stop().success());
}

TEST_CASE("a new configuration that cannot be opened is given up for the old one", "[system]") {
  ReloadedBar bar;
  bar.write(std::string{ReloadedBar::tap_line} +
            "[server]\nurl = \"http://127.0.0.1:9\"\ntoken_file = \"absent\"\n");
  bar.reload();
  REQUIRE(bar.says("cannot run with the new configuration"));
  CHECK_THAT(bar.said(), ContainsSubstring("tapd_absent"));
  CHECK(bar.says("tap 1: valve"));
  CHECK(bar.stop().success());
  // The valve was opened for the old configuration again, and the API as well.
  CHECK_THAT(bar.said(), !ContainsSubstring("cannot run:"));
}

TEST_CASE("a bare name of a token is looked for among the credentials", "[system]") {
  ReloadedBar bar;
  std::ofstream{bar.folder() / "tapd_token"} << "secret\n";
  bar.write(std::string{ReloadedBar::tap_line} +
            "[server]\nurl = \"http://127.0.0.1:9\"\ntoken_file = \"token\"\n");
  bar.reload();
  CHECK(bar.says("the new configuration is in force"));
  CHECK(bar.stop().success());
}

TEST_CASE("a reload waits until nobody pours", "[system]") {
  ReloadedBar bar;
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
  bar.sim("handle 1 50");
  bar.reload();
  // What is asked afterwards is answered afterwards: the loop has seen the signal by then.
  for (int i = 0; i < 5; ++i) CHECK_THAT(bar.status(), ContainsSubstring("\"receipt\""));
  CHECK_THAT(bar.said(), !ContainsSubstring("in force"));
  bar.sim("card 1 none");
  REQUIRE(bar.says("ended by card_removed"));
  CHECK(bar.says("the new configuration is in force"));
  CHECK(bar.stop().success());
}

}  // namespace tapd::test
