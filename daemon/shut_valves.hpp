// `tapd --shut-valves`: drives every configured valve shut, without ledger, readers or server. Run
// by systemd after tapd has ended, however it ended (ExecStopPost), and by hand. A line that a
// living tapd holds is its own business: the kernel gives it to nobody else.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config.hpp"
#include "drivers/valve.hpp"

namespace tapd {

struct ShutReport {
  bool all_shut{true};
  std::vector<std::string> lines;  ///< One for each tap: what was done, or why it was not.
};

/// The valves that the last tapd held, as it was configured, and then those of `next` whose lines
/// are others. A line is never driven twice: what it was wired as counts.
[[nodiscard]] std::vector<TapConfig> valves_to_shut(const std::optional<Config>& held,
                                                    const std::optional<Config>& next);

/// Takes a tap's valve, or throws why it cannot.
using TakeValve = std::function<std::unique_ptr<drivers::Valve>(const TapConfig&)>;

/// Tries every valve, whatever became of those before it. Shut is one whose pin reads so.
[[nodiscard]] ShutReport shut_valves(const std::vector<TapConfig>& taps, const TakeValve& take);
/// Those of this machine.
[[nodiscard]] ShutReport shut_valves(const std::vector<TapConfig>& taps);

}  // namespace tapd
