// Which valves are shut after a kill: those that were held, whatever the file says by now.
#include "daemon/shut_valves.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "config_text.hpp"
#include "drivers/line_valve.hpp"
#include "tests/drivers/fake_output.hpp"

namespace tapd {

using Catch::Matchers::ContainsSubstring;

namespace {

Config with_valve(const std::string& line) {
  return parse_config(
      "[controller]\nid = \"bar-1\"\n[[tap]]\nid = 1\n"
      "meter = { line = \"GPIO17\", pulses_per_litre = 5600 }\n"
      "reader = { device = \"/dev/spidev0.0\" }\nvalve = { " +
          line + " }\n",
      "tapd.toml");
}

}  // namespace

// Found by reading: a file with a mistake, or with another pin, left the valve open after a kill.
TEST_CASE("after a kill the valves are shut that were held, and then the file's", "[config]") {
  const Config held = with_valve("line = \"GPIO22\", active = \"low\"");
  CHECK(valves_to_shut(held, std::nullopt).size() == 1);
  CHECK(valves_to_shut(std::nullopt, held).size() == 1);

  const auto other = valves_to_shut(held, with_valve("line = \"GPIO23\""));
  REQUIRE(other.size() == 2);
  CHECK(other[0].valve_line.name == "GPIO22");
  CHECK(other[1].valve_line.name == "GPIO23");

  // The level that opens it has been changed in the file: what was held counts.
  const auto changed = valves_to_shut(held, with_valve("line = \"GPIO22\", chip = \"gpiochip0\""));
  REQUIRE(changed.size() == 1);
  CHECK(changed[0].valve_line.active_low);
}

TEST_CASE("a valve whose pin reads open has not been shut, and the others are", "[config]") {
  const auto shorted = std::make_shared<drivers::test::Wire>();
  const auto well = std::make_shared<drivers::test::Wire>();
  shorted->stuck_on = true;
  std::vector<TapConfig> taps = with_valve("line = \"GPIO22\"").taps;
  taps.push_back(with_valve("line = \"GPIO23\"").taps.front());
  const auto report = shut_valves(taps, [&](const TapConfig& tap) {
    const auto& wire = tap.valve_line.name == "GPIO22" ? shorted : well;
    return std::make_unique<drivers::LineValve>(std::make_unique<drivers::test::FakeOutput>(wire));
  });
  CHECK_FALSE(report.all_shut);
  REQUIRE(report.lines.size() == 2);
  CHECK_THAT(report.lines[0], ContainsSubstring("tap 1: valve: ") &&
                                  ContainsSubstring("driven shut but the pin reads open"));
  CHECK_THAT(report.lines[1], ContainsSubstring("shut: valve"));
  CHECK_FALSE(well->history.empty());
}

}  // namespace tapd
