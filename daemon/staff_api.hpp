// The part of the local API with which staff act at a tap. Every act is in the audit log, with the
// name of who asked: before it is done, but for a lock and a clearing, which wait for no disk.
// Answers like the rest of the API (see api.hpp).
//
//   POST /service      {"tap", "kind": "valve_test"|"clean"|"keg_change"|"calibrate", "seconds",
//                      "ml"}: opens the valve; what runs is non-sale
//   POST /service/end  {"tap"}: shuts it
//   POST /clear        a tap's number as text: somebody has looked after it
//   POST /lock         {"tap", "why"}: closed by staff, also after a restart
//   POST /unlock       {"tap"}
//   GET  /calibration?tap=N   the pulses per litre in force
//   POST /calibration  {"tap", "milli_pulses_per_litre", "note"}: from the next pour on, and after
//                      a restart until the configuration's own value is changed
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "daemon/control_loop.hpp"
#include "daemon/core/calibration.hpp"
#include "daemon/http_server.hpp"
#include "daemon/storage_desk.hpp"

namespace tapd {

/// What the staff's part of the API needs of the program.
struct StaffApiPorts {
  ControlInbox* control{nullptr};
  StorageDesk* storage{nullptr};
  std::function<model::Moment()> now;
  std::function<void()> die;  ///< Ends tapd at once, as a kill does.
};

/// Answers a request that is the staff's; nullopt: it is not.
[[nodiscard]] std::optional<ApiResponse> serve_staff(const StaffApiPorts& ports,
                                                     const ApiRequest& request);

/// Bounds of what staff may ask for: 10 minutes, 50 litres.
inline constexpr std::int64_t most_service_seconds = 600;
inline constexpr std::int64_t most_service_ml = 50'000;

}  // namespace tapd
