#include "daemon/hardware.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "daemon/open_gpio.hpp"
#include "drivers/sim/command.hpp"
#include "drivers/sim/scenario.hpp"

namespace tapd {
namespace {

drivers::sim::SimTapPlan plan_for(const TapConfig& tap) {
  drivers::sim::SimTapPlan plan;
  plan.number = tap.id.number();
  plan.keg_ml = tap.simulated_keg_ml;
  plan.handle_ml_per_s = tap.simulated_rate_ml_per_s;
  plan.most_ml_per_s = std::max(plan.most_ml_per_s, tap.simulated_rate_ml_per_s);
  plan.shortest_interval = tap.meter.shortest_interval;
  plan.meter.milli_pulses_per_litre = tap.meter.milli_pulses_per_litre;
  return plan;
}

std::shared_ptr<drivers::sim::SimBar> make_bar(const Config& config, const drivers::Clock& clock) {
  drivers::sim::BarPlan plan;
  plan.seed = config.sim_seed;
  plan.truth_file = config.sim_truth_file;
  for (const TapConfig& tap : config.taps) {
    if (tap.simulated) plan.taps.push_back(plan_for(tap));
  }
  if (plan.taps.empty()) return nullptr;
  return std::make_shared<drivers::sim::SimBar>(plan, clock);
}

std::unique_ptr<ScenarioPlayer> make_player(const Config& config, const Hardware& hardware,
                                            const drivers::Clock& clock) {
  if (config.sim_scenario.empty()) return nullptr;
  if (!hardware.bar) {
    throw std::runtime_error{"sim.scenario is configured, but no [[tap]] has driver = \"sim\""};
  }
  drivers::sim::Scenario scenario = drivers::sim::load_scenario(config.sim_scenario);
  for (const drivers::sim::ScenarioStep& step : scenario.steps()) {
    const bool known = std::any_of(config.taps.begin(), config.taps.end(), [&](const auto& tap) {
      return tap.simulated && tap.id.number() == step.command.tap;
    });
    if (known) continue;
    throw std::runtime_error{fmt::format("{}: there is no simulated tap {} (in \"{}\")",
                                         config.sim_scenario.string(), step.command.tap,
                                         drivers::sim::to_text(step.command))};
  }
  return std::make_unique<ScenarioPlayer>(hardware.bar, std::move(scenario), clock);
}

TapHardware simulated_tap(drivers::sim::SimBar& bar, std::size_t place) {
  return {.valve = bar.valve(place),
          .meter = bar.meter(place),
          .indicator = bar.indicator(place),
          .keep_alive = nullptr,
          .reader = bar.reader(place),
          .missing = {}};
}

bool ran_with(const Config& before, const TapConfig& tap) {
  return std::any_of(before.taps.begin(), before.taps.end(), [&tap](const TapConfig& other) {
    return other.id == tap.id && !other.simulated && lines_of(other) == lines_of(tap) &&
           other.reader.device == tap.reader.device && other.reader.speed_hz == tap.reader.speed_hz;
  });
}

/// What a bar may not begin with; empty: it may.
std::string missing_too_much(const Config& config, const Hardware& hardware, const Config* before) {
  std::string first;
  bool one_is_whole = false;
  for (std::size_t i = 0; i < hardware.taps.size(); ++i) {
    const std::vector<MissingPart>& missing = hardware.taps[i].missing;
    // A slip in the file, as it seems: the older one serves better.
    const bool is_new = before != nullptr && !ran_with(*before, config.taps[i]);
    if (is_new && !missing.empty()) return missing.front().what;
    const auto needed = std::find_if(missing.begin(), missing.end(),
                                     [](const MissingPart& part) { return part.needed; });
    if (needed == missing.end()) {
      one_is_whole = true;
    } else if (first.empty()) {
      first = needed->what;
    }
  }
  return one_is_whole ? std::string{} : first;
}

}  // namespace

Hardware open_hardware(const Config& config, const drivers::Clock& clock, const Config* before) {
  Hardware hardware;
  // Every real valve is taken, shut, before anything else is opened that could fail.
  std::vector<TapHardware> valves;
  for (const TapConfig& tap : config.taps) {
    valves.push_back(tap.simulated ? TapHardware{} : begin_gpio_tap(tap));
  }
  hardware.bar = make_bar(config, clock);
  std::size_t simulated = 0;
  for (std::size_t i = 0; i < config.taps.size(); ++i) {
    const TapConfig& tap = config.taps[i];
    hardware.taps.push_back(tap.simulated ? simulated_tap(*hardware.bar, simulated++)
                                          : open_gpio_tap(tap, std::move(valves[i])));
  }
  if (const std::string why = missing_too_much(config, hardware, before); !why.empty()) {
    throw std::runtime_error{why};
  }
  if (hardware.bar) {
    hardware.simulate = [bar = hardware.bar](const std::string& line) {
      return drivers::sim::parse_command(line).and_then(
          [&](const drivers::sim::Command& command) { return bar->apply(command); });
    };
  }
  hardware.player = make_player(config, hardware, clock);
  return hardware;
}

std::string unsafe_at(const Config& config, const TapHardware& tap, const std::string& unsafe) {
  const bool unseen = std::any_of(tap.missing.begin(), tap.missing.end(),
                                  [](const MissingPart& part) { return part.is_valve; });
  if (!unsafe.empty() || !unseen || !config.require_safe_kill) return unsafe;
  return "its valve's line was not there when tapd started, so whether a kill shuts it is not "
         "known: start tapd again";
}

void say_what_was_opened(const Config& config, const Hardware& hardware, Journal& journal) {
  for (std::size_t i = 0; i < hardware.taps.size(); ++i) {
    const TapHardware& tap = hardware.taps[i];
    journal.line(Message::tap_opened, Level::info,
                 fmt::format("tap {}: valve {}; meter {}; reader {}", config.taps[i].id.number(),
                             tap.valve->describe(), tap.meter->describe(), tap.reader->describe()));
    if (tap.keep_alive) {
      journal.line(Message::tap_opened, Level::info,
                   fmt::format("tap {}: keep-alive {}", config.taps[i].id.number(),
                               tap.keep_alive->describe()));
    }
  }
}

}  // namespace tapd
