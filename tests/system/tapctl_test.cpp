// tapctl beside an API that a test plays: what it says, and how it ends, when tapd is reloaded or
// started again while it waits.
#include <atomic>
#include <optional>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "daemon/http_server.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/deadline.hpp"
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
  [[nodiscard]] ChildProcess begin_tapctl(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--socket", (folder / "tapd.sock").string(), "--json"});
    return ChildProcess{{.program = TAPCTL_PROGRAM, .arguments = std::move(words)}};
  }
  /// What a person reads, who types.
  [[nodiscard]] FinishedChild typed_into(std::vector<std::string> words,
                                         const std::string& typed) const {
    words.insert(words.begin(), {"-c", R"(printf '%s' "$TYPED" | "$@" 2>&1)", "sh", TAPCTL_PROGRAM,
                                 "--socket", (folder / "tapd.sock").string()});
    return run_child(
        {.program = "sh", .arguments = std::move(words), .environment = {{"TYPED", typed}}}, 30s);
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

/// A tap that is calibrated: each service ends at once, with 5,600 edges.
auto calibrated(std::atomic<int>& services) {
  return [&services](const ApiRequest& request) -> ApiResponse {
    json body{{"done", true}};
    if (request.path == "/service") ++services;
    if (request.path == "/calibration") body["milli_pulses_per_litre"] = 5'600'000;
    if (request.path == "/meter") {
      body = {{"state", "idle"}, {"valve_open", false}};
      if (services > 0) body["last_service"] = {{"number", services.load()}, {"edges", 5'600}};
    }
    return {.body = body.dump()};
  };
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
  const HttpServer server = api.answers(calibrated(services));
  const FinishedChild end = api.read_of_tapctl({"calibrate", "1"}, "\n\n500\n\n\n500\n\n\n500\n");
  CHECK(end.status.success());
  INFO(end.output);
  const json answer = json::parse(end.output, nullptr, false);
  REQUIRE(answer.is_object());
  CHECK(answer.at("milli_pulses_per_litre") == 5'600'000);
}

// A list of pours to be booked by hand is wanted most when the disk is full.
TEST_CASE("what could not be written was not exported", "[system]") {
  const PlayedApi api;
  const HttpServer server =
      api.answers([](const ApiRequest&) -> ApiResponse { return {.body = R"({"pours":[]})"}; });
  const FinishedChild end =
      run_child({.program = "sh",
                 .arguments = {"-c", R"("$@" 2>&1 >/dev/full)", "sh", TAPCTL_PROGRAM, "--socket",
                               (api.folder / "tapd.sock").string(), "--json", "queue", "list"}},
                30s);
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("the output could not be written: No space left"));
}

// A terminal of another age sends Latin-1.
TEST_CASE("words that are no UTF-8 reach tapd, and no exception the person", "[system]") {
  const auto asked_by = [](const std::vector<std::string>& words) {
    const PlayedApi api;
    std::string heard;
    {
      const HttpServer server = api.answers([&heard](const ApiRequest& request) -> ApiResponse {
        heard = request.body;
        return {.body = R"({"done":true,"parked":1})"};
      });
      CHECK(api.tapctl(words).status.success());
    }
    return json::parse(heard, nullptr, false);
  };
  CHECK(asked_by({"lock", "1", "sch\xF6n"}).value("why", "") == "sch\uFFFDn");
  CHECK(asked_by({"queue", "park", "3F2A-9C01", "sch\xF6n"}).value("why", "") == "sch\uFFFDn");
  // Nobody thinks of quotes in a cellar.
  CHECK(asked_by({"lock", "1", "lye", "in", "the line"}).value("why", "") == "lye in the line");
  CHECK(asked_by({"queue", "park", "3F2A-9C01", "looks", "odd"}).value("why", "") == "looks odd");
}

// A slip of the finger at the last pour must not throw all of them away.
TEST_CASE("calibrate asks again for an amount that a pour cannot be", "[system]") {
  const PlayedApi api;
  std::atomic<int> services{0};
  const HttpServer server = api.answers(calibrated(services));
  const FinishedChild end =
      api.typed_into({"calibrate", "1"}, "\n\n500\n\n\n0\n51\n5000\nagain\n\n\n500\n\n\n500\n");
  INFO(end.output);
  CHECK(end.status.success());
  CHECK(services == 4);
  CHECK_THAT(end.output, ContainsSubstring("0 ml is too little to be read off") &&
                             ContainsSubstring("51 ml is too little to be read off") &&
                             ContainsSubstring("that would be -90 % against the value in force") &&
                             ContainsSubstring("tap 1: 5600.0 pulses per litre from the next"));
}

// A guest between two jugs, a handle that nobody pulled: no reason to pour all of them again.
TEST_CASE("calibrate keeps its pours when one is refused or brings no pulse", "[system]") {
  const PlayedApi api;
  std::atomic<int> services{0};
  std::atomic<int> asked{0};
  std::atomic<int> put{0};
  const auto good = calibrated(services);
  const ApiResponse refused{.status = 409, .body = R"({"error":"tap 1: it is pouring"})"};
  const HttpServer server = api.answers([&](const ApiRequest& request) -> ApiResponse {
    if (request.path == "/service" && ++asked == 2) return refused;
    if (request.path == "/calibration" && request.method == "POST" && ++put == 1) return refused;
    ApiResponse answer = good(request);
    if (request.path == "/meter" && services == 2) {
      json body = json::parse(answer.body);
      body["last_service"]["edges"] = 0;
      answer.body = body.dump();
    }
    return answer;
  });
  const FinishedChild end = api.typed_into({"calibrate", "1"},
                                           "\n\n500\n"
                                           "\n"
                                           "\n\n"
                                           "\n\n500\n"
                                           "\n\n500\n"
                                           "\n");
  INFO(end.output);
  CHECK(end.status.success());
  CHECK(services == 4);
  CHECK(put == 2);
  CHECK_THAT(end.output, ContainsSubstring("the pours before this one are kept") &&
                             ContainsSubstring("No pulse came. If liquid ran") &&
                             ContainsSubstring("press Enter, and it is tried again") &&
                             ContainsSubstring("tap 1: 5600.0 pulses per litre from the next"));
}

// Found by reading: it is in force then, until the next start.
TEST_CASE("calibrate does not call undone what the disk alone has refused", "[system]") {
  const PlayedApi api;
  std::atomic<int> services{0};
  const auto good = calibrated(services);
  const HttpServer server = api.answers([&](const ApiRequest& request) -> ApiResponse {
    if (request.path != "/calibration" || request.method != "POST") return good(request);
    return {.status = 503, .body = R"({"error":"in force until the next start only: full"})"};
  });
  const FinishedChild end = api.typed_into({"calibrate", "1"}, "\n\n500\n\n\n500\n\n\n500\n");
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("in force until the next start only: full") &&
                             !ContainsSubstring("nothing has been changed"));
}

// Who has lifted one lock of two would go home.
TEST_CASE("unlock and clear tell what bars the tap all the same", "[system]") {
  const PlayedApi api;
  const HttpServer server = api.answers([](const ApiRequest& request) -> ApiResponse {
    if (request.path != "/status") return {.body = R"({"done":true})"};
    return {.body = R"({"taps":[{"tap_id":1,"state":"locked","reason":"no_keg: none"},)"
                    R"({"tap_id":2,"state":"idle","reason":""}]})"};
  });
  for (const char* act : {"unlock", "clear"}) {
    CHECK_THAT(api.tapctl({act, "1"}).output,
               ContainsSubstring("done; tap 1 stays locked: no_keg: none"));
    CHECK(api.tapctl({act, "2"}).output == "done\n");
  }
}

TEST_CASE("who watches goes on watching when tapd is reloaded or started again", "[system]") {
  const auto words = GENERATE(std::vector<std::string>{"status", "--watch"},
                              std::vector<std::string>{"card", "watch"},
                              std::vector<std::string>{"pours", "--follow"});
  CAPTURE(words);
  const PlayedApi api;
  CHECK(api.tapctl(words).status.code == 3);  // Nobody is there at all: that is said at once.
  std::atomic<int> looks{0};
  const auto answers = [&](const char* mark, int status) {
    return [&looks, mark, status](const ApiRequest&) -> ApiResponse {
      ++looks;
      const json one{{"client_tx_id", mark}};
      return {.status = status,
              .body = json{{"newest", 1}, {"cards", {one}}, {"pours", {one}}}.dump()};
    };
  };
  std::optional<HttpServer> tapd;
  tapd.emplace(api.folder / "tapd.sock", answers("before", 200));
  ChildProcess watch = api.begin_tapctl(words);
  REQUIRE(watch.wait_for_output("before", 30s));
  tapd.reset();
  REQUIRE(watch.wait_for_output("asking on", 30s));
  // One that has just begun, or whose disk is slow, answers that it cannot answer.
  tapd.emplace(api.folder / "tapd.sock", answers("not yet", 503));
  looks = 0;
  const Deadline deadline{30s};
  while (looks < 2) REQUIRE(deadline.pause(10ms));
  tapd.reset();
  tapd.emplace(api.folder / "tapd.sock", answers("after", 200));
  CHECK(watch.wait_for_output("after", 30s));
  const std::string said = watch.output();
  CHECK(said.find("asking on") == said.rfind("asking on"));
  CHECK_THAT(said, !ContainsSubstring("not yet"));
}

}  // namespace tapd::test
