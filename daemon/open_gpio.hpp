// Opens one tap's real hardware: lines through libgpiod, the reader through spidev.
#pragma once

#include <memory>

#include "daemon/hardware.hpp"

namespace tapd {

/// Where the valve's line is to be found.
[[nodiscard]] drivers::LineAddress valve_address(const TapConfig& tap);

/// Takes the valve's line, shut. Throws std::runtime_error naming tap, line and what to do.
[[nodiscard]] std::unique_ptr<drivers::Valve> open_gpio_valve(const TapConfig& tap);

/// The rest of the tap around its valve.
[[nodiscard]] TapHardware open_gpio_tap(const TapConfig& tap,
                                        std::unique_ptr<drivers::Valve> valve);

}  // namespace tapd
