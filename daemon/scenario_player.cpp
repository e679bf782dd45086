#include "daemon/scenario_player.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace tapd {

ScenarioPlayer::ScenarioPlayer(std::shared_ptr<drivers::sim::SimBar> bar,
                               drivers::sim::Scenario scenario, const drivers::Clock& clock)
    : bar_{std::move(bar)}, scenario_{std::move(scenario)}, clock_{clock} {}

void ScenarioPlayer::begin() {
  thread_ = std::jthread{[this](const std::stop_token& stop) { play(stop); }};
}

void ScenarioPlayer::play(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any pause;
  scenario_.begin(clock_.read().since_boot);
  while (!stop.stop_requested()) {
    for (const drivers::sim::Command& command : scenario_.due(clock_.read().since_boot)) {
      // The file was checked against the taps when it was opened.
      [[maybe_unused]] const auto done = bar_->apply(command);
    }
    const auto next = scenario_.next();
    if (!next) return;
    std::unique_lock lock{mutex};
    pause.wait_for(lock, stop, *next - clock_.read().since_boot, [] { return false; });
  }
}

}  // namespace tapd
