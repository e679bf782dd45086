#include "lone_tapd.hpp"

#include <csignal>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include "daemon/api_client.hpp"

namespace tapd::test {

using namespace std::chrono_literals;

namespace {
constexpr auto patience = 30s;
}

LoneTapd::LoneTapd(Environment more) : environment_{std::move(more)} {
  environment_.emplace_back("CREDENTIALS_DIRECTORY", folder_.path().string());
  write(tap_line);
  REQUIRE(run_child({.program = SEED_LEDGER_PROGRAM,
                     .arguments = {(folder_ / "tapd.db").string(), "1000", "04a1b2c3=5000"}},
                    patience)
              .status.success());
  start();
}

void LoneTapd::start() {
  tapd_.emplace(ChildOptions{.program = TAPD_PROGRAM,
                             .arguments = {"--config", (folder_ / "tapd.toml").string()},
                             .environment = environment_});
  REQUIRE(says("ready:"));
}

void LoneTapd::restart() {
  REQUIRE(stop().success());
  start();
}

void LoneTapd::revive() {
  REQUIRE(tapd_->wait(patience).has_value());
  start();
}

void LoneTapd::write(const std::string& rest) const {
  std::ofstream{folder_ / "tapd.toml"} << fmt::format(
      "[controller]\nid = \"bar-1\"\nstate_dir = \"{0}\"\nsocket = \"{0}/tapd.sock\"\n{1}",
      folder_.path().string(), rest);
}

void LoneTapd::reload() const {
  tapd_->signal(SIGHUP);
}

void LoneTapd::answers() const {
  const ApiClient client{folder_ / "tapd.sock"};
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!client.get("/status")) {
    REQUIRE(std::chrono::steady_clock::now() < give_up);
    std::this_thread::sleep_for(10ms);
  }
}

void LoneTapd::pour() {
  sim("handle 1 100");
  sim("card 1 04a1b2c3");
  REQUIRE(says("valve open for card ..b2c3"));
  sim("card 1 none");
  REQUIRE(says("ended by card_removed"));
}

bool LoneTapd::says(const std::string& text) {
  if (tapd_->wait_for_output(text, patience)) return true;
  UNSCOPED_INFO(tapd_->output());
  return false;
}

nlohmann::json LoneTapd::get(const std::string& path) const {
  const auto answer = ApiClient{folder_ / "tapd.sock"}.get(path);
  REQUIRE(answer);
  return nlohmann::json::parse(answer->body);
}

LoneTapd::Answer LoneTapd::ask(const std::string& path) const {
  const auto answer = ApiClient{folder_ / "tapd.sock"}.get(path);
  REQUIRE(answer);
  return {.status = answer->status, .body = nlohmann::json::parse(answer->body)};
}

LoneTapd::Answer LoneTapd::post(const std::string& path, const std::string& body) const {
  const auto answer = ApiClient{folder_ / "tapd.sock"}.post(path, body);
  REQUIRE(answer);
  return {.status = answer->status, .body = nlohmann::json::parse(answer->body)};
}

void LoneTapd::sim(const std::string& command) const {
  REQUIRE(post("/sim", command).status == 200);
}

FinishedChild LoneTapd::tapctl(std::vector<std::string> words, const std::string& typed) const {
  ChildOptions options;
  options.program = "sh";
  // A child's standard input is /dev/null, so what is typed goes through a pipe.
  constexpr const char* typing = R"(printf '%s' "$TYPED" | "$@")";
  options.arguments = {"-c",           typing,     "sh",
                       TAPCTL_PROGRAM, "--socket", (folder_ / "tapd.sock").string()};
  options.environment = {{"TYPED", typed}};
  options.arguments.insert(options.arguments.end(), words.begin(), words.end());
  return run_child(options, patience);
}

ChildProcess LoneTapd::begin_tapctl(std::vector<std::string> words) const {
  words.insert(words.begin(), {"--socket", (folder_ / "tapd.sock").string()});
  return ChildProcess{{.program = TAPCTL_PROGRAM, .arguments = std::move(words)}};
}

ExitStatus LoneTapd::stop() {
  return tapd_->stop(patience);
}

}  // namespace tapd::test
