// Plays a scenario file against a simulated bar: a thread that sleeps until the next command is due
// and gives it to the bar, as a guest's hand would.
#pragma once

#include <memory>
#include <thread>

#include "drivers/clock.hpp"
#include "drivers/sim/bar.hpp"
#include "drivers/sim/scenario.hpp"

namespace tapd {

class ScenarioPlayer {
 public:
  ScenarioPlayer(std::shared_ptr<drivers::sim::SimBar> bar, drivers::sim::Scenario scenario,
                 const drivers::Clock& clock);
  ~ScenarioPlayer() = default;  // the thread is asked to stop and joined
  ScenarioPlayer(const ScenarioPlayer&) = delete;
  ScenarioPlayer& operator=(const ScenarioPlayer&) = delete;
  ScenarioPlayer(ScenarioPlayer&&) = delete;
  ScenarioPlayer& operator=(ScenarioPlayer&&) = delete;

  /// Time zero of the scenario.
  void begin();

 private:
  void play(const std::stop_token& stop);

  std::shared_ptr<drivers::sim::SimBar> bar_;
  drivers::sim::Scenario scenario_;
  const drivers::Clock& clock_;
  std::jthread thread_;
};

}  // namespace tapd
