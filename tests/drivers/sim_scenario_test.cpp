#include "drivers/sim/scenario.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <fstream>

namespace tapd::drivers::sim {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Equals;

Command parsed(std::string_view line) {
  const auto command = parse_command(line);
  INFO(line << ": " << (command ? "" : command.error()));
  REQUIRE(command);
  return *command;
}

TEST_CASE("every command is read, and written as it is read", "[sim][command]") {
  const auto [line, action] = GENERATE(table<std::string, CommandAction>({
      {"card 1 04ab7815cd6b80",
       LayCard{{.bytes = {0x04, 0xAB, 0x78, 0x15, 0xCD, 0x6B, 0x80}, .size = 7}}},
      {"card 1 none", LiftCards{}},
      {"two-cards 1 01020304 a1a2a3a4",
       LayTwoCards{{.bytes = {1, 2, 3, 4}, .size = 4},
                   {.bytes = {0xA1, 0xA2, 0xA3, 0xA4}, .size = 4}}},
      {"handle 1 60", PullHandle{60}},
      {"handle 1 0", PullHandle{0}},
      {"handle 1 auto", PullWithCard{}},
      {"keg 1 5000", ConnectKeg{5000}},
      {"foam 1 on", Foam{true}},
      {"foam 1 off", Foam{false}},
      {"leak 1 2.5", Leak{2.5}},
      {"valve 1 stuck-open", ValveCondition::stuck_open},
      {"valve 1 stuck-shut", ValveCondition::stuck_shut},
      {"valve 1 ok", ValveCondition::ok},
      {"flicker 1 0.1 0.05", Flicker{0.1, 0.05}},
      {"meter 1 silent", MeterCondition{.silent = true}},
      {"meter 1 noise 50", MeterCondition{.noise_per_s = 50}},
      {"meter 1 ok", MeterCondition{}},
      {"reader 1 hang", ReaderCondition::hang},
      {"reader 1 bad-check", ReaderCondition::bad_check},
      {"reader 1 ok", ReaderCondition::ok},
  }));
  CHECK(parsed(line) == Command{1, action});
  CHECK(to_text(Command{1, action}) == line);
}

TEST_CASE("a command may be written loosely", "[sim][command]") {
  CHECK(parsed("  card\t 12   04AB7815CD6B80 \r") == parsed("card 12 04ab7815cd6b80"));
  CHECK(parsed("flicker 1 0.25") == Command{1, Flicker{0.25, 0}});
  CHECK(parsed("leak 1 2.0") == Command{1, Leak{2}});
}

TEST_CASE("a command that cannot be is refused and told what would be right", "[sim][command]") {
  const auto [line, words] = GENERATE(table<std::string, std::string>({
      {"", "a command is missing: one of card, two-cards"},
      {"  \t", "a command is missing"},
      {"crad 1 none", "\"crad\" is no command; it is one of card, "},
      {"card", "something is missing; the command is: card TAP UID|none"},
      {"card 1", "something is missing"},
      {"card 1 none now", "\"now\" is too much"},
      {"card one none", "\"one\" is not a tap's number from 1 to 999"},
      {"card 0 none", "not a tap's number"},
      {"card 1000 none", "not a tap's number"},
      {"card 1.5 none", "not a tap's number"},
      {"card 99999999999999999999 none", "not a tap's number"},
      {"card 1 04ab", "\"04ab\" is not a card UID: that is 8, 14 or 20 hexadecimal digits"},
      {"card 1 04ab7815cd6b8", "not a card UID"},
      {"card 1 04ab7815cd6bxy", "not a card UID"},
      {"two-cards 1 01020304 01020304", "two different UIDs"},
      {"two-cards 1 01020304 0102030", "\"0102030\" is not a card UID"},
      {"two-cards 1 01020304", "something is missing"},
      {"handle 1 fast", "\"fast\" is not a flow in ml/s from 0 to 1000"},
      {"handle 1 -1", "\"-1\" is not a flow"},
      {"handle 1 1001", "not a flow"},
      {"handle 1 60ml", "not a flow"},
      {"handle 1 nan", "not a flow"},
      {"handle 1 inf", "not a flow"},
      {"handle 1 1e2", "not a flow"},
      {"keg 1 1000001", "not a content in ml from 0 to 1000000"},
      {"foam 1 maybe", "\"maybe\" is none of: on, off; the command is: foam TAP on|off"},
      {"leak 1 drops", "not a flow"},
      {"valve 1 open", "\"open\" is none of: ok, stuck-open, stuck-shut"},
      {"flicker 1 1.1", "not a share of silent looks from 0 to 1"},
      {"flicker 1 0.6 0.6", "more than 1 together"},
      {"meter 1 noise", "\"noise\" needs pulses a second"},
      {"meter 1 noise 50001", "not a number of pulses a second from 0 to 50000"},
      {"meter 1 silent 3", "only \"noise\" takes a number"},
      {"meter 1 loud", "\"loud\" is none of: ok, silent, noise RATE"},
      {"reader 1 gone", "\"gone\" is none of: ok, hang, bad-check"},
  }));
  const auto command = parse_command(line);
  INFO(line);
  REQUIRE_FALSE(command);
  CHECK_THAT(command.error(), ContainsSubstring(words));
}

TEST_CASE("the usage names every command once", "[sim][command]") {
  const std::string usage{command_usage()};
  CHECK(std::count(usage.begin(), usage.end(), '\n') == 10);
  CHECK_THAT(usage, ContainsSubstring("valve TAP ok|stuck-open|stuck-shut\n"));
}

constexpr std::string_view evening =
    "# a guest pours and leaves\n"
    "\n"
    "0s      card 1 04ab7815cd6b80   # since the beginning\n"
    "+1.5s   handle 1 60\n"
    "+500ms  handle 1 0\n"
    "  1min  card 1 none\r\n"
    "+0s     keg 1 0\n"
    "1h      foam 1 on";

TEST_CASE("a scenario is played against the clock, each step once", "[sim][scenario]") {
  auto scenario = parse_scenario(evening, "evening");
  REQUIRE(scenario);
  REQUIRE(scenario->steps().size() == 6);
  CHECK(scenario->due(1000h).empty());
  CHECK_FALSE(scenario->next());

  constexpr SinceBoot start = 5h;
  scenario->begin(start);
  CHECK(scenario->next() == start);
  CHECK(scenario->due(start - 1ns).empty());
  CHECK(scenario->due(start) == std::vector{parsed("card 1 04ab7815cd6b80")});
  CHECK(scenario->due(start).empty());
  CHECK(scenario->next() == start + 1500ms);
  CHECK(scenario->due(start + 1500ms - 1ns).empty());
  CHECK(scenario->due(start + 2s) == std::vector{parsed("handle 1 60"), parsed("handle 1 0")});
  CHECK(scenario->next() == start + 1min);
  CHECK(scenario->due(start + 2min) == std::vector{parsed("card 1 none"), parsed("keg 1 0")});
  CHECK(scenario->due(start + 1h) == std::vector{parsed("foam 1 on")});
  CHECK_FALSE(scenario->next());
  CHECK(scenario->due(start + 1000h).empty());

  scenario->begin(start + 2h);
  CHECK(scenario->next() == start + 2h);
}

TEST_CASE("an empty scenario does nothing", "[sim][scenario]") {
  auto scenario = parse_scenario("\n# nothing\n", "empty");
  REQUIRE(scenario);
  scenario->begin(0s);
  CHECK_FALSE(scenario->next());
  CHECK(scenario->due(1h).empty());
}

TEST_CASE("every bad line of a scenario is told with file and number", "[sim][scenario]") {
  const auto scenario = parse_scenario(
      "0s card 1 none\n"
      "soon card 1 none\n"
      "\n"
      "5s card 1 04\n"
      "6s\n"
      "7s card 1 none\n"
      "3s card 1 none   # earlier\n",
      "evening.scenario");
  REQUIRE_FALSE(scenario);
  const std::string& error = scenario.error();
  CHECK(std::count(error.begin(), error.end(), '\n') == 3);
  CHECK_THAT(error, ContainsSubstring("evening.scenario:2: \"soon\" is not a time"));
  CHECK_THAT(error, ContainsSubstring("evening.scenario:4: \"04\" is not a card UID"));
  CHECK_THAT(error, ContainsSubstring("evening.scenario:5: a command is missing"));
  CHECK_THAT(error,
             ContainsSubstring("evening.scenario:7: \"3s\" is earlier than the line before"));
}

TEST_CASE("times are numbers with a unit and never negative", "[sim][scenario]") {
  const std::string time = GENERATE("1", "s", "-1s", "+-1s", "1.5.5s", "1d", "++1s", "+", "9000h",
                                    "1e3s", "infs", "nanms", "99999999999999999999999h");
  INFO(time);
  CHECK_FALSE(parse_scenario(time + " card 1 none", "x"));
}

TEST_CASE("a scenario cannot be longer than a year by adding up", "[sim][scenario]") {
  const auto scenario = parse_scenario("8000h card 1 none\n+8000h card 1 none\n", "x");
  REQUIRE_FALSE(scenario);
  CHECK_THAT(scenario.error(), Equals("x:2: this is later than a year"));
}

TEST_CASE("a scenario has a longest length", "[sim][scenario]") {
  std::string text;
  for (std::size_t i = 0; i < most_scenario_lines; ++i) text += "1s card 1 none\n";
  CHECK(parse_scenario(text, "x"));
  text += "1s card 1 none\n1s card 1 none\n";
  const auto scenario = parse_scenario(text, "x");
  REQUIRE_FALSE(scenario);
  CHECK_THAT(scenario.error(), Equals("x:100001: a scenario has at most 100000 lines"));
}

TEST_CASE("a scenario file that cannot be read or is bad says so", "[sim][scenario]") {
  const auto folder = std::filesystem::temp_directory_path();
  CHECK_THROWS_WITH(load_scenario(folder / "no such scenario"),
                    ContainsSubstring("no such scenario"));
  CHECK_THROWS_WITH(load_scenario(folder), ContainsSubstring("cannot read"));

  const auto file = folder / "tapd_sim_scenario_test.scenario";
  std::ofstream{file} << "0s card 1 none\n1s crad 1 none\n";
  CHECK_THROWS_WITH(load_scenario(file), ContainsSubstring(file.string() + ":2: \"crad\""));
  std::ofstream{file} << evening;
  CHECK(load_scenario(file).steps().size() == 6);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace tapd::drivers::sim
