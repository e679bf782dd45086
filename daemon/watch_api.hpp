// The local API's part for a technician who watches: what the readers see and what the meters'
// lines give. Numbers for `tapctl card watch`, `tapctl meter` and `tapctl selftest`, which look
// again and again and tell the difference; nothing here changes anything.
//
//   GET /cards?after=N   {"newest": N, "cards": [{"number", "tap_id", "at", "what", "card",
//   "why"}]} GET /meter?tap=N     {"edges", "rejected", "edges_lost", "out_of_turn", "intervals":
//   [...], "start", ...}
#pragma once

#include <cstdint>
#include <optional>

#include "daemon/card_log.hpp"
#include "daemon/control_loop.hpp"
#include "daemon/http_server.hpp"

namespace tapd {

struct WatchPorts {
  ControlInbox* control{nullptr};
  const CardLog* cards{nullptr};
  std::int64_t start{0};  ///< Another after each start and reload: counts begin anew then.
};

/// nullopt: it is not one of these.
[[nodiscard]] std::optional<ApiResponse> serve_watch(const WatchPorts& ports,
                                                     const ApiRequest& request);

}  // namespace tapd
