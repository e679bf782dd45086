// How much of a kind of beverage one guest may be served: per pour, and within a time, as some laws
// demand. Holds online and offline alike, counted from what this controller poured. Pure. A service
// card lifts the limits for one pour; that is the controller's business.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "storage/model/records.hpp"

namespace tapd {

struct ServingLimit {
  std::vector<std::string> styles;  ///< Of beverages, in any case of letters; empty: of all.
  std::optional<model::Volume> per_pour;
  std::optional<model::Volume> in_window;
  std::chrono::minutes window{0};
};

/// What one pour asks of the limits, for the check that is made again when its row is written.
struct ServingClaim {
  std::vector<ServingLimit> limits;  ///< Empty: lifted.
  std::string category;
  model::Volume limit;
  std::optional<model::CardUid> lifted_by;
};

/// What the limits leave for one more pour of `category` now; nothing: they do not bound it. A
/// beverage whose style is not known counts under every limit. A pour of an earlier boot is as old
/// as two trusted clocks say, and in any case as old as this boot: a restart makes no pour
/// forgotten early, and without a clock the window ends at most its length after the restart.
[[nodiscard]] std::optional<model::Volume> left_to_serve(const std::vector<ServingLimit>& limits,
                                                         const std::string& category,
                                                         const std::vector<model::Serving>& served,
                                                         const model::Moment& now,
                                                         const model::BootId& boot);

}  // namespace tapd
