#include "daemon/config_pins.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

namespace tapd {
namespace {

constexpr std::string_view better = "take GPIO12, GPIO13 or one from GPIO16 to GPIO27";

/// Of the SoC, or of a Pi 5's RP1. Without a chip it is taken for one: on other boards the lines
/// have other names, or a chip to tell them apart.
bool is_of_a_pi(const LineConfig& line) {
  return line.chip.empty() || line.chip.starts_with("pinctrl-bcm") ||
         line.chip.starts_with("pinctrl-rp1");
}

/// The pins of SPI0: data, clock, and the chip select of that device.
bool is_used_by(const std::string& device, const std::string& pin) {
  constexpr std::array<std::string_view, 3> bus{"GPIO9", "GPIO10", "GPIO11"};
  if (!device.starts_with("/dev/spidev0.")) return false;
  if (device.ends_with(".0") && pin == "GPIO8") return true;
  if (device.ends_with(".1") && pin == "GPIO7") return true;
  return std::find(bus.begin(), bus.end(), pin) != bus.end();
}

}  // namespace

std::optional<std::string> pin_in_use(const TapConfig& tap, const std::vector<TapConfig>& taps) {
  for (const LineInUse& use : lines_of(tap)) {
    const std::string& pin = use.line.name;
    if (!is_of_a_pi(use.line)) continue;
    for (const TapConfig& other : taps) {
      const std::string device = other.reader.device.lexically_normal().string();
      if (other.simulated || !is_used_by(device, pin)) continue;
      return fmt::format("line {}, the {} of tap {}, is a wire of the reader on {}: {}", pin,
                         use.part, tap.id.number(), device, better);
    }
    // A firmware that has a serial console lets its transmitter idle high long before tapd runs.
    if (use.part == "valve" && (pin == "GPIO14" || pin == "GPIO15")) {
      return fmt::format(
          "line {}, the valve of tap {}, is the serial port's, which can be high from the first "
          "moment on: the valve would be open while the board starts; {}",
          pin, tap.id.number(), better);
    }
    // The pull-ups of the first I2C bus, 1.8 kOhm on the board of every Pi with a 40-pin header: no
    // pull-down of the chip's or at the driver comes against them while nobody drives the pin.
    if (use.part == "valve" && !use.line.active_low && (pin == "GPIO2" || pin == "GPIO3")) {
      return fmt::format(
          "line {}, the valve of tap {}, has a resistor to 3.3 V on the board: the valve would be "
          "open whenever tapd does not run; {}",
          pin, tap.id.number(), better);
    }
  }
  return std::nullopt;
}

}  // namespace tapd
