// Pins of a Raspberry Pi that somebody else uses are refused, and those of other boards are not.
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "config_text.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("no line is on a wire of a reader", "[config]") {
  const std::string pin = GENERATE("GPIO8", "GPIO9", "GPIO10", "GPIO11");
  const std::string wanted = "is a wire of the reader on /dev/spidev0.0: take GPIO12";
  for (const char* line : {"line = \"GPIO17\"", "line = \"GPIO22\""}) {
    CHECK_THAT(findings(replaced(good, line, "line = \"" + pin + "\"")),
               ContainsSubstring("tapd.toml:11: line " + pin) && ContainsSubstring(wanted));
  }
  CHECK_THAT(findings(replaced(good, "spidev0.0\"", "spidev0.0\", reset_line = \"" + pin + "\"")),
             ContainsSubstring(pin + ", the reader's reset of tap 1, is a wire of the reader"));
  // The wires of a reader elsewhere, or another board's line of that name.
  CHECK(findings(replaced(replaced(good, "GPIO17", pin), "spidev0.0", "spidev1.0")).empty());
  CHECK(findings(replaced(good, "\"GPIO17\"", "\"" + pin + "\", chip = \"1c20800.pinctrl\""))
            .empty());
  CHECK_FALSE(
      findings(replaced(good, "\"GPIO17\"", "\"" + pin + "\", chip = \"pinctrl-rp1\"")).empty());
}

TEST_CASE("a chip select that nobody uses is a pin like others", "[config]") {
  CHECK(findings(replaced(good, "GPIO17", "GPIO7")).empty());
  CHECK_THAT(findings(replaced(replaced(good, "GPIO17", "GPIO7"), "spidev0.0", "spidev0.1")),
             ContainsSubstring("GPIO7, the meter of tap 1, is a wire of the reader"));
  CHECK(findings(replaced(replaced(good, "GPIO17", "GPIO8"), "spidev0.0", "spidev0.1")).empty());
}

// From the firmware on, a serial console's transmitter idles high.
TEST_CASE("no valve is on the serial port", "[config]") {
  const std::string pin = GENERATE("GPIO14", "GPIO15");
  CHECK_THAT(findings(replaced(good, "GPIO22", pin)),
             ContainsSubstring("line " + pin + ", the valve of tap 1, is the serial port's") &&
                 ContainsSubstring("take GPIO12"));
  CHECK(findings(replaced(good, "GPIO17", pin)).empty());
}

// Found by reading: the chip's own pull-down, which is read back, was taken for a safe kill.
TEST_CASE("no valve is on a pin that the board pulls up", "[config]") {
  const std::string pin = GENERATE("GPIO2", "GPIO3");
  const std::string shuts_by_it = replaced(good, "GPIO22", pin);
  CHECK(findings(shuts_by_it).empty());
  CHECK_THAT(findings(replaced(shuts_by_it, "active = \"low\"", "active = \"high\"")),
             ContainsSubstring("line " + pin + ", the valve of tap 1, has a resistor to 3.3 V") &&
                 ContainsSubstring("take GPIO12"));
  CHECK(findings(replaced(good, "GPIO17", pin)).empty());
}

}  // namespace tapd::test
