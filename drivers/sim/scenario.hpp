// A scenario file: commands for the simulated bar, each with its time, played against whatever
// clock its owner has. Pure; the owner asks what is due, applies it, and asks when to ask again.
//
//   # a guest pours for four seconds and leaves
//   0s     card 1 04ab7815cd6b80    # since the scenario began
//   +4s    card 1 none              # after the line before
//   +500ms valve 1 ok
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "drivers/sim/command.hpp"

namespace tapd::drivers::sim {

/// The largest scenario, in lines.
inline constexpr std::size_t most_scenario_lines = 100'000;

struct ScenarioStep {
  std::chrono::nanoseconds at{};  ///< Since the scenario began.
  Command command;
};

/// Not thread-safe: one owner.
class Scenario {
 public:
  Scenario() = default;
  /// Steps in the order of their times.
  explicit Scenario(std::vector<ScenarioStep> steps) : steps_{std::move(steps)} {}

  /// Time zero of the scenario; plays from the first step (again).
  void begin(SinceBoot now);
  /// Takes the steps whose time has come, in order. Nothing before `begin`.
  [[nodiscard]] std::vector<Command> due(SinceBoot now);
  /// When the next step is due; nullopt: none is left, or `begin` was not called.
  [[nodiscard]] std::optional<SinceBoot> next() const;
  [[nodiscard]] const std::vector<ScenarioStep>& steps() const { return steps_; }

 private:
  std::vector<ScenarioStep> steps_;
  std::size_t played_{0};
  std::optional<SinceBoot> began_;
};

/// Reads a text; `name` stands for the file. The error holds every bad line, each with its number
/// ("evening.scenario:7: ...").
[[nodiscard]] tl::expected<Scenario, std::string> parse_scenario(std::string_view text,
                                                                 const std::string& name);
/// Reads a file. Throws std::runtime_error with what parse_scenario says, or when it cannot be
/// read.
[[nodiscard]] Scenario load_scenario(const std::filesystem::path& file);

}  // namespace tapd::drivers::sim
