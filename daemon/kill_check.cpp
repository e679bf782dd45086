#include "daemon/kill_check.hpp"

#include <set>
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

}  // namespace

KillVerdict judge_kill(std::span<const KillSafety> chips, bool required) {
  if (chips.empty()) return {};
  const KillSafety* worst = &chips.front();
  for (const KillSafety& chip : chips) {
    if (rank(chip.outcome) > rank(worst->outcome)) worst = &chip;
  }
  if (worst->outcome == KillOutcome::released) {
    return {.level = Level::info, .line = "a kill shuts every valve: " + worst->what, .unsafe = {}};
  }
  const std::string found = worst->outcome == KillOutcome::kept
                                ? "a kill leaves an open valve open: " + worst->what
                                : "whether a kill shuts the valves is not known: " + worst->what;
  if (!required) return {.level = Level::warning, .line = found, .unsafe = {}};
  return {.level = Level::error,
          .line = found + "; the taps stay shut (controller.require_safe_kill)",
          .unsafe = found};
}

std::string check_kill(const Config& config, Journal& journal, const std::filesystem::path& root) {
  std::set<std::string> labels;
  for (const TapConfig& tap : config.taps) {
    if (!tap.simulated) labels.insert(drivers::find_line(valve_address(tap)).label);
  }
  std::vector<KillSafety> chips;
  for (const std::string& label : labels) chips.push_back(drivers::kill_safety(label, root));
  const KillVerdict verdict = judge_kill(chips, config.require_safe_kill);
  if (!verdict.line.empty())
    journal.line(verdict.level == Level::info ? Message::kill_is_safe : Message::kill_is_unsafe,
                 verdict.level, verdict.line);
  return verdict.unsafe;
}

}  // namespace tapd
