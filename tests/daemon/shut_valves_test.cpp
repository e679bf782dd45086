// Which valves are shut after a kill: those that were held, whatever the file says by now.
#include "daemon/shut_valves.hpp"

#include <catch2/catch_test_macros.hpp>

#include "config_text.hpp"

namespace tapd {
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

}  // namespace tapd
