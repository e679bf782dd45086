// Pins of a Raspberry Pi that have another user already: a tap on one of them would disturb a
// reader, or its valve would stand open while the board starts. For config.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/config.hpp"

namespace tapd {

/// What is wrong with the pins of `tap`, and which to take; the readers are those of all taps.
[[nodiscard]] std::optional<std::string> pin_in_use(const TapConfig& tap,
                                                    const std::vector<TapConfig>& taps);

}  // namespace tapd
