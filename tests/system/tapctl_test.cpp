// tapctl beside an API that a test plays: what it says, and how it ends, when tapd is reloaded or
// started again while it waits.
#include <atomic>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "daemon/http_server.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

/// Where the API of a test listens, and tapctl asks.
struct PlayedApi {
  TempDir folder{Medium::memory};

  [[nodiscard]] HttpServer answers(ApiHandler handler) const {
    return HttpServer{folder / "tapd.sock", std::move(handler)};
  }
  [[nodiscard]] FinishedChild tapctl(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--socket", (folder / "tapd.sock").string()});
    return run_child({.program = TAPCTL_PROGRAM, .arguments = std::move(words)}, 30s);
  }
  /// What a program would read of it, while a person types.
  [[nodiscard]] FinishedChild read_of_tapctl(std::vector<std::string> words,
                                             const std::string& typed) const {
    constexpr const char* typing = R"(printf '%s' "$TYPED" | "$@" 2>/dev/null)";
    words.insert(words.begin(), {"-c", typing, "sh", TAPCTL_PROGRAM, "--socket",
                                 (folder / "tapd.sock").string(), "--json"});
    return run_child(
        {.program = "sh", .arguments = std::move(words), .environment = {{"TYPED", typed}}}, 30s);
  }
};

json backup(const char* stage, const char* file) {
  return {{"stage", stage}, {"file", file}, {"why", ""}};
}

/// How `tapctl backup` ends when the backup is under way at first, and then stands like this.
FinishedChild end_of_backup(const json& then) {
  const PlayedApi api;
  std::atomic<int> looks{0};
  const HttpServer server = api.answers([&](const ApiRequest& request) -> ApiResponse {
    const bool begins = request.method == "POST" || looks++ < 2;
    return {.body = (begins ? backup("under_way", "/srv/copy.db") : then).dump()};
  });
  return api.tapctl({"backup", "/srv/copy.db"});
}

}  // namespace

TEST_CASE("a backup of which tapd knows nothing any more has not been made", "[system]") {
  const FinishedChild good = end_of_backup(backup("done", "/srv/copy.db"));
  CHECK(good.status.success());
  CHECK_THAT(good.output, ContainsSubstring("written and checked: /srv/copy.db"));
  for (const json& then : {backup("none", ""), backup("done", "/srv/another.db")}) {
    const FinishedChild end = end_of_backup(then);
    CHECK(end.status.code == 1);
    CHECK_THAT(end.output, ContainsSubstring("/srv/copy.db was not written") &&
                               ContainsSubstring("ask again") && !ContainsSubstring("checked"));
  }
}

TEST_CASE("calibrate answers a program with JSON alone", "[system]") {
  const PlayedApi api;
  std::atomic<int> services{0};
  const HttpServer server = api.answers([&](const ApiRequest& request) -> ApiResponse {
    json body{{"done", true}};
    if (request.path == "/service") ++services;
    if (request.path == "/calibration") body["milli_pulses_per_litre"] = 5'600'000;
    if (request.path == "/meter") {
      body = {{"state", "idle"}, {"valve_open", false}};
      if (services > 0) body["last_service"] = {{"number", services.load()}, {"edges", 5'600}};
    }
    return {.body = body.dump()};
  });
  const FinishedChild end = api.read_of_tapctl({"calibrate", "1"}, "\n\n500\n\n\n500\n\n\n500\n");
  CHECK(end.status.success());
  INFO(end.output);
  const json answer = json::parse(end.output, nullptr, false);
  REQUIRE(answer.is_object());
  CHECK(answer.at("milli_pulses_per_litre") == 5'600'000);
}

}  // namespace tapd::test
