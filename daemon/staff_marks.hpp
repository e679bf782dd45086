// What staff decided about a tap that outlasts a run: why they closed it, and what they measured of
// its meter. Marks in the ledger (`meta`, storage/notes.hpp); on the storage thread, or before it
// runs.
#pragma once

#include <string>

#include "daemon/core/calibration.hpp"
#include "storage/ledger.hpp"

namespace tapd {

/// Empty: the tap is open again.
[[nodiscard]] storage::Result<> keep_lock(storage::Ledger& ledger, model::TapId tap,
                                          const std::string& why);
/// Why staff have closed the tap; empty: they have not.
[[nodiscard]] std::string kept_lock(const storage::Ledger& ledger, model::TapId tap);

/// What staff measured, and what was configured then.
[[nodiscard]] storage::Result<> keep_calibration(storage::Ledger& ledger, model::TapId tap,
                                                 const Calibration& measured,
                                                 const Calibration& configured);
/// The value that staff have measured for a tap, if the configuration's own is still the one that
/// it was measured against; else the configuration's.
[[nodiscard]] storage::Result<Calibration> kept_calibration(const storage::Ledger& ledger,
                                                            model::TapId tap,
                                                            const Calibration& configured);
/// Forgets a value that was measured against another configuration: it must not come back unseen
/// when the older value is written into the file again. Answers whether there was one.
[[nodiscard]] storage::Result<bool> forget_outdated(storage::Ledger& ledger, model::TapId tap,
                                                    const Calibration& configured);

}  // namespace tapd
