// Everything of a simulated bar that outlives a run of the daemon: time, the board, the SD card,
// the taps, the network, the venue's server, and the referee who watches.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agenda.hpp"
#include "board_clock.hpp"
#include "daemon/core/tap_session.hpp"
#include "disk_bay.hpp"
#include "network.hpp"
#include "plan.hpp"
#include "referee.hpp"
#include "spoilt_card.hpp"
#include "tap_rig.hpp"
#include "trace.hpp"
#include "venue_model.hpp"

namespace tapd::simulation {

struct Site {
  Site(const Plan& with, bool prints);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  Site(Site&&) = delete;
  Site& operator=(Site&&) = delete;
  ~Site() = default;

  const Plan plan;
  Agenda agenda;
  Trace trace;
  BoardClock clock{agenda};
  DiskBay disk;
  std::optional<SpoiltCard> spoilt_card;
  VenueModel venue;
  Network network;
  std::vector<std::unique_ptr<TapRig>> rigs;
  Referee referee;
  /// Which run of the daemon it is; what was put down for an older one is void.
  std::uint64_t life{0};
};

/// How the taps are configured: the defaults but for the meter's limits.
[[nodiscard]] SessionRules session_rules(const Plan& plan);
[[nodiscard]] PolicyRules policy_rules(const Plan& plan);

}  // namespace tapd::simulation
