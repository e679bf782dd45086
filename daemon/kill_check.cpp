#include "daemon/kill_check.hpp"

#include <vector>

#include "daemon/open_gpio.hpp"

namespace tapd {
namespace {

using drivers::KillOutcome;
using drivers::KillSafety;

/// How bad it is.
int rank(KillOutcome outcome) {
  switch (outcome) {
    case KillOutcome::released:
      return 0;
    case KillOutcome::unknown:
      return 1;
    case KillOutcome::kept:
      return 2;
  }
  return 2;
}

/// A controller that lets go leaves the pin to its pull.
KillOutcome outcome_of(const ValveFate& valve) {
  return rank(valve.pull.outcome) > rank(valve.controller.outcome) ? valve.pull.outcome
                                                                   : valve.controller.outcome;
}

/// Each sentence once, however many valves share it.
std::string all_good(std::span<const ValveFate> valves) {
  std::string text;
  const auto add = [&text](const std::string& what) {
    if (text.find(what) != std::string::npos) return;
    if (!text.empty()) text += "; ";
    text += what;
  };
  for (const ValveFate& valve : valves) add(valve.controller.what);
  for (const ValveFate& valve : valves) add(valve.pull.what);
  return text;
}

}  // namespace

ValveFate fate_of(const TapConfig& tap, const drivers::FoundLine& line,
                  const std::filesystem::path& root) {
  return {.controller = drivers::kill_safety(line.label, root),
          .pull = drivers::pull_safety(tap.valve_line.name, tap.valve_line.active_low,
                                       drivers::read_pull(line, root))};
}

KillVerdict judge_kill(std::span<const ValveFate> valves, bool required) {
  if (valves.empty()) return {};
  const ValveFate* worst = &valves.front();
  for (const ValveFate& valve : valves) {
    if (rank(outcome_of(valve)) > rank(outcome_of(*worst))) worst = &valve;
  }
  const KillOutcome outcome = outcome_of(*worst);
  if (outcome == KillOutcome::released) {
    return {.outcome = outcome,
            .level = Level::info,
            .line = "a kill shuts every valve: " + all_good(valves),
            .unsafe = {}};
  }
  const std::string found =
      (outcome == KillOutcome::kept ? "a kill leaves a valve open: "
                                    : "whether a kill shuts the valves is not known: ") +
      worst->controller.what + "; " + worst->pull.what;
  if (!required) return {.outcome = outcome, .level = Level::warning, .line = found, .unsafe = {}};
  return {.outcome = outcome,
          .level = Level::error,
          .line = found + "; the taps stay shut (controller.require_safe_kill)",
          .unsafe = found};
}

std::string check_kill(const Config& config, Journal& journal, const std::filesystem::path& root) {
  std::vector<ValveFate> valves;
  for (const TapConfig& tap : config.taps) {
    if (tap.simulated) continue;
    // One that is not there is not held either; what that means for its tap, app.cpp says.
    const auto line = drivers::choose_line(drivers::list_chips(), valve_address(tap));
    if (line) valves.push_back(fate_of(tap, *line, root));
  }
  const KillVerdict verdict = judge_kill(valves, config.require_safe_kill);
  if (!verdict.line.empty())
    journal.line(verdict.level == Level::info ? Message::kill_is_safe : Message::kill_is_unsafe,
                 verdict.level, verdict.line);
  return verdict.unsafe;
}

}  // namespace tapd
