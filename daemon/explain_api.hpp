// Why may this card pour, or why not? Answers what would happen now, tap by tap, and which rule
// decides. Changes nothing, and asks no server: where the server would decide (`decided_by`
// "server"), what is said is the cache's word, for when it cannot be asked. A card of staff has
// `opens_menu`. Answers like the rest of the API (see api.hpp).
//
//   GET /explain?card=UID        at every tap
//   GET /explain?card=UID&tap=N  at this one
//   GET /explain?tap=N           what the tap is waiting for or barred by
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "daemon/control_loop.hpp"
#include "daemon/core/policy.hpp"
#include "daemon/http_server.hpp"
#include "daemon/storage_desk.hpp"

namespace tapd {

struct ExplainPorts {
  ControlInbox* control{nullptr};
  StorageDesk* storage{nullptr};
  PolicyRules policy;
  AuthorizeMode authorize{AuthorizeMode::cached};  ///< As the controller decides.
  model::BootId boot;
  std::function<model::Moment()> now;
  std::function<bool()> ledger_writable{};  ///< The last thing that was to be written was.
  /// The taps of the configuration and their own prices.
  std::map<model::TapId, std::optional<model::LitrePrice>> taps;
};

[[nodiscard]] ApiResponse explain(const ExplainPorts& ports, const ApiRequest& request);

}  // namespace tapd
