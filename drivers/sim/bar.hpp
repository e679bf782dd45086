// A simulated bar: taps with physics behind the same interfaces as the real drivers, so that the
// daemon cannot tell them from real ones. Made by the daemon (`driver = "sim"`), by benchmarks and
// by tests; guests and faults come in through `apply`. It behaves as a bar does, not as its caller
// wishes: beer runs only if valve, hand and keg allow it, and what really ran is kept apart from
// what the meter says. Time comes from the clock it is given; nothing here waits, except a look at
// a reader whose plan says so.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "drivers/card_reader.hpp"
#include "drivers/clock.hpp"
#include "drivers/flow_meter.hpp"
#include "drivers/indicator.hpp"
#include "drivers/sim/command.hpp"
#include "drivers/sim/plan.hpp"
#include "drivers/sim/truth.hpp"
#include "drivers/valve.hpp"

namespace tapd::drivers::sim {

/// One simulated tap with the lock that its threads share; not for use outside this folder.
class Station;

/// All methods: any thread. `tap` is the place in the plan, from 0. What is handed out may outlive
/// the bar; the clock must outlive all of it.
class SimBar {
 public:
  /// Throws std::invalid_argument with everything that `findings` says of the plan, and what
  /// TruthFile throws. Counters and kegs go on from an existing truth file.
  SimBar(const BarPlan& plan, const Clock& clock);

  [[nodiscard]] std::size_t taps() const { return stations_.size(); }

  /// The meter's descriptor is a timerfd (CLOCK_BOOTTIME) armed for the next edge; it polls
  /// readable when the clock given to the bar runs with that one.
  [[nodiscard]] std::unique_ptr<FlowMeter> meter(std::size_t tap);
  [[nodiscard]] std::unique_ptr<Valve> valve(std::size_t tap);
  [[nodiscard]] std::unique_ptr<CardReader> reader(std::size_t tap);
  [[nodiscard]] std::unique_ptr<Indicator> indicator(std::size_t tap);

  /// Does what the command says, now. The error: there is no such tap.
  [[nodiscard]] tl::expected<void, std::string> apply(const Command& command);

  /// What passed until now.
  [[nodiscard]] Truth truth(std::size_t tap);
  /// What the tap's light shows.
  [[nodiscard]] Signal shown(std::size_t tap) const;

 private:
  std::shared_ptr<TruthFile> truth_file_;
  std::vector<std::shared_ptr<Station>> stations_;
};

}  // namespace tapd::drivers::sim
