// Section 3 of the wire contract without the snapshot: controllers that report themselves, the
// state of the system, and flow outside a sale. Nothing here charges anybody.
#pragma once

#include <string>

#include "tests/central/database.hpp"
#include "tests/central/reply.hpp"

namespace tapd::central {

/// POST /api/controllers/register: makes or refreshes the controller's row; last_seen always moves.
[[nodiscard]] Reply register_controller(Connection& connection, const std::string& body);

/// GET /api/system/status: the emergency stop, and the taps.
[[nodiscard]] Reply system_status(Connection& connection);

/// POST /api/controllers/flow-events: volume is cumulative per event, so a repeat changes nothing
/// and an old report that arrives late is recognised. Flow outside an authorized session depletes
/// the keg on the tap by what is new.
[[nodiscard]] Reply record_flow_event(Connection& connection, const std::string& body);

}  // namespace tapd::central
