// How long it was from one moment to another, as events and people are told it.
#pragma once

#include <chrono>

#include "storage/model/time.hpp"

namespace tapd {

/// Whole milliseconds, towards zero; negative when `to` is the earlier one.
[[nodiscard]] constexpr std::chrono::milliseconds between(model::SinceBoot from,
                                                          model::SinceBoot to) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

}  // namespace tapd
