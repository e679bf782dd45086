// tapd as a whole: opens everything in the order that keeps the taps safe, runs the control loop,
// and takes everything down again in the reverse order.
#pragma once

#include <filesystem>

#include "daemon/config.hpp"
#include "daemon/journal_thread.hpp"

namespace tapd {

/// Runs until a signal ends it; answers the exit code. On SIGHUP `file` is read again: once no pour
/// is open everything is opened anew with it, or the old configuration stays. Throws std::exception
/// with a message for the operator when something cannot be opened; every valve is shut by then.
int run_tapd(Config config, const std::filesystem::path& file, JournalThread& journal);

/// The program's version, as the server and `--version` hear it.
[[nodiscard]] const char* version();

}  // namespace tapd
