// What a start owes to the run before it: pours that a power cut or a kill left open are finished,
// and each tap goes on with what was learnt of it. Called once, after the ledger is open and before
// the first session; also by the simulation, which starts as the daemon does.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "daemon/config.hpp"
#include "daemon/core/calibration.hpp"
#include "daemon/journal.hpp"
#include "storage/ledger.hpp"

namespace tapd {

/// Finishes open pours and flow events, a line in the journal for each pour. Throws
/// std::runtime_error when the ledger fails: nothing may be sold then.
void finish_what_was_open(storage::Ledger& ledger, const model::Moment& now, Journal& journal);

/// The ledger, or what can be had of it (restoring.hpp); what was open in it is finished. Throws
/// OpenError and std::runtime_error.
[[nodiscard]] std::unique_ptr<storage::Ledger> open_ledger(const Config& config,
                                                           const model::BootId& boot,
                                                           const model::Moment& now,
                                                           Journal& journal);

/// What the ledger knows of a tap.
struct KnownTap {
  Calibration calibration;                              ///< With the id of its row.
  std::optional<std::chrono::microseconds> close_time;  ///< As an earlier run learnt it.
  std::string locked_by_staff;   ///< Why staff have closed it; empty: they have not.
  std::string closed_by_itself;  ///< As own_closings.hpp writes it.
};
/// What staff have measured goes before the configured calibration, which is noted if it has
/// changed; a line in the journal where they differ. Throws std::runtime_error when that fails.
[[nodiscard]] KnownTap know_tap(storage::Ledger& ledger, model::TapId tap,
                                const Calibration& configured, const model::Moment& now,
                                Journal& journal);

/// What staff have measured against another configuration than this one, which is in force now, is
/// forgotten; a line in the journal for each tap.
[[nodiscard]] storage::Result<> forget_outdated(storage::Ledger& ledger, const Config& config,
                                                Journal& journal);

}  // namespace tapd
