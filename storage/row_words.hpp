// What is said of a row that waits for the server or is done with, in `server_outcome` and
// `last_error`. Pure.
#pragma once

#include <string>
#include <string_view>

#include "storage/model/cut.hpp"

namespace tapd::storage {

/// Staff have taken the row out of the queue: it is owed, and not sent.
inline constexpr const char* parked = "parked";
/// Staff have booked the row at the venue by hand: it is paid.
inline constexpr const char* booked_by_hand = "booked_by_hand";
/// The server has noted the row for staff, and charges nobody: they settle it with the guest.
inline constexpr const char* audit_only = "audit_only";
/// Before what the server says of a row that staff send again.
inline constexpr std::string_view again_word = "again: ";

/// What a server says about a row is for people, and not worth more room than this.
[[nodiscard]] inline std::string short_note(std::string_view text) {
  constexpr std::size_t longest = 500;
  return model::cut_to(longest, text);
}

}  // namespace tapd::storage
