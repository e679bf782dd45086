// tapd as a whole: opens everything in the order that keeps the taps safe, runs the control loop,
// and takes everything down again in the reverse order.
#pragma once

#include "daemon/config.hpp"
#include "daemon/journal.hpp"

namespace tapd {

/// Runs until a signal ends it; answers the exit code. Throws std::exception with a message for the
/// operator when something cannot be opened; every valve is shut by then.
int run_tapd(const Config& config, Journal& journal);

/// The program's version, as the server and `--version` hear it.
[[nodiscard]] const char* version();

}  // namespace tapd
