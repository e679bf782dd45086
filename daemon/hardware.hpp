// Opens what the configuration names: real lines and readers, or the simulated bar. Valves come
// first and come up shut, so that the taps are safe before anything else can fail. What one tap
// lacks is that tap's fault, and no reason to take its neighbours' beer away.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/config.hpp"
#include "daemon/journal.hpp"
#include "daemon/scenario_player.hpp"
#include "drivers/card_reader.hpp"
#include "drivers/clock.hpp"
#include "drivers/flow_meter.hpp"
#include "drivers/indicator.hpp"
#include "drivers/pulse_train.hpp"
#include "drivers/sim/bar.hpp"
#include "drivers/valve.hpp"

#include <tl/expected.hpp>

namespace tapd {

/// What could not be opened; a stand-in is in its place, which tells so and takes it later.
struct MissingPart {
  std::string what;  ///< "tap 3, reader: /dev/spidev1.0 does not exist: ..."
  bool is_valve{false};
  bool needed{true};  ///< Without it the tap serves nobody; a lamp is not.
};

struct TapHardware {
  std::unique_ptr<drivers::Valve> valve;
  std::unique_ptr<drivers::FlowMeter> meter;
  std::unique_ptr<drivers::Indicator> indicator;   ///< Null: none is wired.
  std::unique_ptr<drivers::KeepAlive> keep_alive;  ///< Null: no one-shot is wired.
  std::unique_ptr<drivers::CardReader> reader;
  std::vector<MissingPart> missing{};
};

struct Hardware {
  std::shared_ptr<drivers::sim::SimBar> bar;  ///< Null: no tap is simulated.
  std::vector<TapHardware> taps;              ///< In the configuration's order.
  /// One command of the simulated bar; null when nothing is simulated.
  std::function<tl::expected<void, std::string>(const std::string&)> simulate;
  std::unique_ptr<ScenarioPlayer> player;  ///< Null: no scenario file is configured.
};

/// `before`: the configuration that ran until now and can run again; null: there is none. Throws
/// std::runtime_error naming the tap, the part, the device or line, and what to do: when no tap has
/// everything it needs, or when something is missing that `before` did not name.
[[nodiscard]] Hardware open_hardware(const Config& config, const drivers::Clock& clock,
                                     const Config* before);

/// Why a tap must not sell on this machine; `unsafe` is what was found of all valves.
[[nodiscard]] std::string unsafe_at(const Config& config, const TapHardware& tap,
                                    const std::string& unsafe);

/// A line for each tap: what its parts are called.
void say_what_was_opened(const Config& config, const Hardware& hardware, Journal& journal);

}  // namespace tapd
