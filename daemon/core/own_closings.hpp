// What a tap has closed by itself and only somebody who has looked may open: a silence, an empty
// keg, noise, a stuck valve. A start and a reload know nothing of what was seen before them, so it
// is kept as a text in the ledger, one line each. Pure; a text that makes no sense closes nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/core/session_events.hpp"

namespace tapd {

struct OwnClosings {
  std::map<LockReason, std::string> locks;  ///< With why.
  std::map<FaultKind, std::string> faults;
  /// The keg that was connected then, where it is the empty one: another may be there by the next
  /// start.
  std::optional<model::KegId> keg;
};

/// Those of what closes a tap that it can have closed by itself.
[[nodiscard]] OwnClosings own_closings_among(const std::map<LockReason, std::string>& locks,
                                             const std::map<FaultKind, std::string>& faults);

/// One line each; empty: the tap has closed nothing by itself.
[[nodiscard]] std::string to_text(const OwnClosings& closings);
[[nodiscard]] OwnClosings parse_own_closings(std::string_view text);

}  // namespace tapd
