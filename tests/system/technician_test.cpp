// A technician's commands on a real tapd with a simulated tap: watching cards and a meter, the
// selftest, a pour that is parked.
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "lone_tapd.hpp"
#include "tests/support/deadline.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

void pause(std::chrono::milliseconds time) {
  const Deadline over{time};
  while (over.pause(time)) {
  }
}

/// tapctl while the test does something at the tap.
template<typename Meanwhile>
FinishedChild tapctl_while(const LoneTapd& bar, std::vector<std::string> words, Meanwhile meanwhile,
                           const std::string& typed = {}) {
  FinishedChild end;
  std::thread command{[&] { end = bar.tapctl(std::move(words), typed); }};
  meanwhile();
  command.join();
  return end;
}

}  // namespace

TEST_CASE("status tells taps, what is owed, the server, the clock and the disk", "[system]") {
  LoneTapd bar;
  bar.pour();
  const FinishedChild end = bar.tapctl({"status"});
  CHECK(end.status.success());
  CHECK_THAT(end.output, ContainsSubstring("tap 1") &&
                             ContainsSubstring("server NOT asked (no server.url is configured)") &&
                             ContainsSubstring("1 waiting") &&
                             ContainsSubstring("not yet confirmed by the server") &&
                             ContainsSubstring("the clock ") && ContainsSubstring(" MiB free"));
  const nlohmann::json status = nlohmann::json::parse(bar.tapctl({"--json", "status"}).output);
  for (const char* part : {"clock", "disk"}) {
    for (const char* key : {"health", "what", "next"}) {
      CHECK(status.at(part).at(key).is_string());
    }
  }
}

TEST_CASE("card watch tells each card by its whole UID, and two at once", "[system]") {
  const LoneTapd bar;
  ChildProcess watch = bar.begin_tapctl({"card", "watch"});
  REQUIRE(watch.wait_for_output("lay a card on any reader", 30s));
  bar.sim("card 1 04c0ffee");
  CHECK(watch.wait_for_output("tap 1   card 04C0FFEE laid on", 30s));
  bar.sim("card 1 none");
  CHECK(watch.wait_for_output("tap 1   card 04C0FFEE taken away", 30s));
  bar.sim("two-cards 1 04c0ffee 04a1b2c3");
  CHECK(watch.wait_for_output("not usable", 30s));
  INFO(watch.output());
  CHECK(bar.tapctl({"card", "watch", "--seconds", "1"}).status.success());
  CHECK(bar.ask("/cards?after=-1").status == 400);
  CHECK(bar.ask("/cards?after=1x").status == 400);
}

// A simulated contact bounces now and then, which the verdict has to see (clean: see the tests of
// judge_meter).
TEST_CASE("meter says bounce of a contact that bounces, silent of a dead one, noise of a hum",
          "[system]") {
  LoneTapd bar;
  const auto meter = [&bar] { return bar.tapctl({"--json", "meter", "1", "--seconds", "2"}); };
  const auto verdict = [](const FinishedChild& end) {
    return nlohmann::json::parse(end.output).at("verdict").get<std::string>();
  };
  CHECK(verdict(meter()) == "silent");
  bar.sim("handle 1 60");
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
  pause(500ms);
  const FinishedChild turning = meter();
  CHECK(verdict(turning) == "bounce");
  const auto body = nlohmann::json::parse(turning.output);
  CHECK(body.at("ml_per_s_tenths").get<int>() > 500);
  CHECK(body.at("ml_per_s_tenths").get<int>() < 700);
  bar.sim("card 1 none");
  REQUIRE(bar.says("ended by card_removed"));
  bar.sim("handle 1 0");
  bar.sim("meter 1 noise 100");
  const FinishedChild noise = bar.tapctl({"meter", "1", "--seconds", "2"});
  CHECK(noise.status.code == 1);
  CHECK_THAT(noise.output, ContainsSubstring("verdict: noise"));
  CHECK(bar.ask("/meter?tap=9").status == 400);
  CHECK(bar.ask("/meter").status == 400);
}

// Found by reading: such a line was called dead, and the step of the selftest passed.
TEST_CASE("of a line that nobody listens to since it stormed, meter and selftest say that",
          "[system]") {
  LoneTapd bar;
  bar.write(
      "[[tap]]\nid = 1\ndriver = \"sim\"\nmeter = { pulses_per_litre = 5600, max_hz = 100 }\n");
  bar.restart();
  bar.sim("meter 1 noise 1000");
  REQUIRE(bar.says("noise:"));
  bar.sim("meter 1 ok");
  const FinishedChild meter = bar.tapctl({"meter", "1", "--seconds", "1"});
  CHECK(meter.status.code == 1);
  CHECK_THAT(meter.output, ContainsSubstring("nobody listens to this line since it stormed") &&
                               !ContainsSubstring("silent"));
  const FinishedChild test = bar.tapctl({"selftest", "1", "--patience", "1", "--no-kill"});
  CHECK_THAT(test.output, ContainsSubstring("nobody listens to this line") &&
                              !ContainsSubstring("no edge in 3 s"));
  CHECK_THAT(bar.tapctl({"clear", "1"}).output, ContainsSubstring("done"));
  CHECK_THAT(bar.tapctl({"meter", "1", "--seconds", "1"}).output,
             ContainsSubstring("verdict: silent"));
}

// The counts of the next tapd begin at zero: their difference would be a verdict about the wiring.
TEST_CASE("over a reload meter says nothing of the wiring", "[system]") {
  LoneTapd bar;
  bar.sim("meter 1 noise 100");
  pause(1s);
  const FinishedChild end = tapctl_while(bar, {"meter", "1", "--seconds", "4"}, [&] {
    pause(1s);
    bar.reload();
    REQUIRE(bar.says("the new configuration is in force"));
  });
  INFO(end.output);
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("reloaded or started again meanwhile: look once more") &&
                             !ContainsSubstring("edges") && !ContainsSubstring("verdict"));
}

TEST_CASE("a selftest of a good tap passes each step, the kill of tapd among them",
          "[system][selftest]") {
  LoneTapd bar;
  bar.sim("handle 1 30");
  const FinishedChild end = tapctl_while(
      bar, {"selftest", "1", "--patience", "30"},
      [&] {
        REQUIRE(bar.says("does not sell: service: selftest"));
        bar.sim("card 1 04c0ffee");
        pause(1s);
        bar.sim("card 1 none");
        REQUIRE(bar.says("valve_test is over"));
        bar.revive();  // as the service manager does
      },
      "y\ny\ny\n");
  INFO(end.output);
  CHECK(end.status.success());
  CHECK_THAT(end.output, ContainsSubstring("pass: card 04C0FFEE") &&
                             ContainsSubstring("pass: no edge in 3 s") &&
                             ContainsSubstring("pass: opened and shut") &&
                             ContainsSubstring(" edges, ") &&
                             ContainsSubstring("pass: a kill shuts the valve") &&
                             ContainsSubstring("pass: it answers, and the valve is shut") &&
                             ContainsSubstring("7 steps, 0 failed"));
  CHECK(bar.tap().at("state") == "idle");
}

TEST_CASE("a selftest of a tap that is broken, with nobody there, fails each step with what to do",
          "[system][selftest]") {
  LoneTapd bar;
  bar.sim("meter 1 noise 20");
  const FinishedChild end = bar.tapctl({"--json", "selftest", "1", "--patience", "1", "--no-kill"});
  CHECK(end.status.code == 1);
  const auto json = nlohmann::json::parse(end.output.substr(end.output.find("\n{") + 1));
  CHECK(json.at("failed") == 5);
  CHECK_THAT(json.dump(), ContainsSubstring("tapctl doctor") && ContainsSubstring("valve.active"));
}

// Found by reading: of a tap that was broken as well it saw the fault alone.
TEST_CASE("a selftest does not open a tap that staff have closed", "[system][selftest]") {
  LoneTapd bar;
  REQUIRE(bar.tapctl({"lock", "1", "lye in the line"}).status.success());
  const auto becomes = [&bar](const char* state) {
    const Deadline over{30s};
    while (bar.tap().at("state") != state && over.pause(100ms)) {
    }
    return bar.tap().at("state") == state;
  };
  bar.sim("reader 1 hang");
  REQUIRE(becomes("faulted"));
  CHECK(bar.tapctl({"selftest", "1", "--patience", "1", "--no-kill"}).status.code == 1);
  CHECK(bar.ask("/meter?tap=1").body.at("closed_by_staff") == "lye in the line");
  bar.sim("reader 1 ok");
  CHECK(becomes("locked"));
}

TEST_CASE("tapd is killed for a test only where that test is, and never under a guest",
          "[system][selftest]") {
  LoneTapd bar;
  const auto refused = [&](const char* words) {
    const auto answer = bar.post("/selftest/kill", R"({"tap":1})");
    CHECK(answer.status == 409);
    CHECK_THAT(answer.body.dump(), ContainsSubstring(words));
  };
  refused("not open for staff");
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
  refused("not open for staff");
  CHECK(bar.post("/selftest/kill", R"({"tap":7})").status == 409);
  CHECK(bar.post("/selftest/kill", "now").status == 400);
}

TEST_CASE("a pour that is parked waits for a person, is still owed, and can be sent again",
          "[system]") {
  LoneTapd bar;
  bar.sim("handle 1 100");
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
  pause(500ms);
  bar.sim("card 1 none");
  REQUIRE(bar.says("ended by card_removed"));
  const auto row = [&bar] { return bar.get("/queue").at("pours").at(0); };
  const auto receipt = row().at("receipt").get<std::string>();
  const auto owed = bar.get("/owed").at("owed_cents");
  CHECK(bar.tapctl({"queue", "park", receipt, "wrong guest"}).status.success());
  CHECK(row().at("status") == "failed");
  CHECK(row().at("server_outcome") == "parked");
  CHECK_THAT(row().at("last_error").get<std::string>(), ContainsSubstring("wrong guest"));
  CHECK(bar.get("/owed").at("owed_cents") == owed);
  CHECK(bar.tapctl({"queue", "park", receipt}).status.code == 1);  // it is parked already
  CHECK(bar.tapctl({"queue", "park", "all"}).status.code == 1);
  CHECK(bar.post("/queue/park", "[]").status == 400);
  CHECK(bar.tapctl({"queue", "retry", receipt}).status.success());
  CHECK(row().at("status") == "new");
}

}  // namespace tapd::test
