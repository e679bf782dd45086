// Opens one tap's real hardware: lines through libgpiod, the reader through spidev. What is not
// there is noted, and what stands in for it tells so and takes it later: a line when staff say
// `tapctl clear`, the reader by itself.
#pragma once

#include <memory>

#include "daemon/hardware.hpp"

namespace tapd {

/// Where the valve's line is to be found.
[[nodiscard]] drivers::LineAddress valve_address(const TapConfig& tap);

/// Takes the valve's line, shut. Throws std::runtime_error naming tap, line and what to do.
[[nodiscard]] std::unique_ptr<drivers::Valve> open_gpio_valve(const TapConfig& tap);

/// A tap of which there is only its valve, shut.
[[nodiscard]] TapHardware begin_gpio_tap(const TapConfig& tap);
/// The rest of the tap around it.
[[nodiscard]] TapHardware open_gpio_tap(const TapConfig& tap, TapHardware begun);

}  // namespace tapd
