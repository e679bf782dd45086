// What staff do at a tap by tapctl: on a real tapd with a simulated tap.
#include <fstream>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "lone_tapd.hpp"
#include "tests/support/deadline.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Waits until staff's work is over, and answers what it was.
nlohmann::json after_service(const LoneTapd& bar) {
  const Deadline deadline{30s};
  while (!bar.tap().contains("last_service")) REQUIRE(deadline.pause(20ms));
  return bar.tap().at("last_service");
}

}  // namespace

TEST_CASE("a valve opened by staff shuts by itself, and what ran is booked as non-sale",
          "[system]") {
  LoneTapd bar;
  bar.sim("handle 1 100");
  const FinishedChild end = bar.tapctl({"valve", "open", "1", "--seconds", "20", "--ml", "50"});
  CHECK(end.status.success());
  CHECK_THAT(end.output, ContainsSubstring("booked as non-sale"));
  const auto done = after_service(bar);
  CHECK(done.at("kind") == "valve_test");
  CHECK(done.at("volume_ul").get<std::int64_t>() >= 50'000);
  CHECK(bar.tap().at("valve_open") == false);
  CHECK(bar.get("/pours").at("pours").empty());
  REQUIRE(bar.says("valve_test is over"));
}

TEST_CASE("staff cannot open a valve while a guest's session runs", "[system]") {
  LoneTapd bar;
  bar.sim("handle 1 0");  // By himself the guest would pull, on a slow machine before the order.
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
  const FinishedChild end = bar.tapctl({"clean", "1", "--seconds", "1"});
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("tap 1: it is ready"));
}

TEST_CASE("a tap that staff have locked stays so over a restart, and says why", "[system]") {
  LoneTapd bar;
  CHECK(bar.tapctl({"lock", "1", "glass broken"}).status.success());
  CHECK(bar.tap().at("reason") == "service: glass broken");
  bar.restart();
  CHECK(bar.tap().at("reason") == "service: glass broken");
  CHECK(bar.tapctl({"unlock", "1"}).status.success());
  CHECK(bar.tap().at("state") == "idle");
  bar.restart();
  CHECK(bar.tap().at("state") == "idle");
}

// Found by reading: the one act that opens a tap which had closed itself was noted nowhere.
TEST_CASE("who has cleared a tap is in the audit log", "[system]") {
  LoneTapd bar;
  CHECK(bar.tapctl({"clear", "1"}).status.success());
  CHECK(bar.tapctl({"clear", "2"}).status.code == 1);
  REQUIRE(bar.stop().success());
  const SQLite::Database ledger{(bar.folder() / "tapd.db").string()};
  SQLite::Statement row{ledger,
                        "SELECT action, target, actor FROM audit_log WHERE action = 'clear'"};
  REQUIRE(row.executeStep());
  CHECK(row.getColumn(0).getString() == "clear");
  CHECK(row.getColumn(1).getString() == "tap 1");
  CHECK_FALSE(row.getColumn(2).getString().empty());
  CHECK_FALSE(row.executeStep());
}

TEST_CASE("a measured calibration holds over a restart, until the configured value changes",
          "[system]") {
  LoneTapd bar;
  const auto version = [&] { return bar.get("/calibration?tap=1").at("version"); };
  const auto in_force = [&] {
    // In tenths of a pulse per litre: a pulse is worth whole nanolitres.
    return (bar.get("/calibration?tap=1").at("milli_pulses_per_litre").get<std::int64_t>() + 50) /
           100;
  };
  const auto before = version();
  CHECK(bar.post("/calibration", R"({"tap":1,"milli_pulses_per_litre":5650000,"note":"jug"})")
            .status == 200);
  CHECK(in_force() == 56'500);
  const auto measured = version();
  CHECK(measured != before);
  CHECK(
      bar.says("tap 1: counts 5650.0 pulses per litre, as staff have measured; the configuration "
               "says 5600.0"));
  bar.restart();
  CHECK(in_force() == 56'500);
  CHECK(version() == measured);
  CHECK(bar.says("tap 1: counts 5650.0 pulses per litre, as staff have measured"));
  bar.write("[[tap]]\nid = 1\ndriver = \"sim\"\nmeter = { pulses_per_litre = 5700 }\n");
  bar.restart();
  CHECK(in_force() == 57'000);
  // Found by reading: a measurement that was thrown away came back with the older value.
  bar.write(LoneTapd::tap_line);
  bar.restart();
  CHECK(in_force() == 56'000);
}

// Found by reading: the refused file had made the measurement forgotten.
TEST_CASE("a reload that is refused leaves a measured calibration in force", "[system]") {
  LoneTapd bar;
  const auto in_force = [&] {
    return (bar.get("/calibration?tap=1").at("milli_pulses_per_litre").get<std::int64_t>() + 50) /
           100;
  };
  REQUIRE(bar.post("/calibration", R"({"tap":1,"milli_pulses_per_litre":5650000})").status == 200);
  std::ofstream{bar.folder() / "tapd.toml"} << fmt::format(
      "[controller]\nid = \"bar-1\"\nstate_dir = \"{0}\"\nsocket = \"{0}/nowhere/tapd.sock\"\n"
      "[[tap]]\nid = 1\ndriver = \"sim\"\nmeter = {{ pulses_per_litre = 5700 }}\n",
      bar.folder().path().string());
  bar.reload();
  REQUIRE(bar.says("cannot run with the new configuration"));
  bar.answers();
  CHECK(in_force() == 56'500);
  bar.write(LoneTapd::tap_line);
  bar.restart();
  CHECK(in_force() == 56'500);
}

TEST_CASE("a calibration that was refused is not in force after the next start either",
          "[system]") {
  LoneTapd bar;
  const auto in_force = [&] { return bar.get("/calibration?tap=1").at("milli_pulses_per_litre"); };
  const auto before = in_force();
  bar.sim("card 1 04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
  const auto answer = bar.post("/calibration", R"({"tap":1,"milli_pulses_per_litre":5650000})");
  CHECK(answer.status == 409);
  CHECK_THAT(answer.body.at("error").get<std::string>(), ContainsSubstring("a pour is under way"));
  bar.sim("card 1 none");
  REQUIRE(bar.says("ended by card_removed"));
  bar.restart();
  CHECK(in_force() == before);
}

TEST_CASE("wrong orders of staff are refused with what would be right", "[system]") {
  const LoneTapd bar;
  const auto refused = [&](const char* path, const char* body) {
    const auto answer = bar.post(path, body);
    INFO(path << " " << body);
    CHECK((answer.status == 400 || answer.status == 409));
    return answer.body.at("error").get<std::string>();
  };
  CHECK_THAT(refused("/service", "open it"), ContainsSubstring("not a JSON object"));
  CHECK_THAT(refused("/service", R"({"kind":"clean"})"), ContainsSubstring("\"tap\""));
  CHECK_THAT(refused("/service", R"({"tap":"1"})"), ContainsSubstring("\"tap\""));
  CHECK_THAT(refused("/service", R"({"tap":1,"kind":"party"})"), ContainsSubstring("keg_change"));
  CHECK_THAT(refused("/service", R"({"tap":1,"kind":"clean","seconds":100000,"ml":5})"),
             ContainsSubstring("1 to 600"));
  CHECK_THAT(refused("/service", R"({"tap":1,"kind":"clean","seconds":1,"ml":-5})"),
             ContainsSubstring("\"ml\""));
  CHECK_THAT(refused("/service", R"({"tap":9,"kind":"clean","seconds":1,"ml":5})"),
             ContainsSubstring("no tap 9"));
  CHECK_THAT(refused("/service/end", R"({"tap":1})"), ContainsSubstring("nobody is at work"));
  CHECK_THAT(refused("/lock", R"({"tap":9})"), ContainsSubstring("no tap 9"));
  CHECK_THAT(refused("/calibration", R"({"tap":1,"milli_pulses_per_litre":0})"),
             ContainsSubstring("milli_pulses_per_litre"));
  CHECK_THAT(refused("/calibration", R"({"tap":7,"milli_pulses_per_litre":5600000})"),
             ContainsSubstring("no tap 7"));
  for (const char* tap : {"1x", "", "x", "0", "-1", "1.5", "%201", "99999999999999999999"}) {
    INFO(tap);
    const auto answer = bar.ask(std::string{"/calibration?tap="} + tap);
    CHECK(answer.status == 400);
    CHECK_THAT(answer.body.at("error").get<std::string>(),
               ContainsSubstring("is not a tap's number"));
  }
  CHECK(bar.ask("/calibration").status == 400);
  CHECK(bar.ask("/calibration?tap=1").status == 200);
}

}  // namespace tapd::test
