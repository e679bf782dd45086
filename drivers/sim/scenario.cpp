#include "drivers/sim/scenario.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <fstream>
#include <stdexcept>
#include <string>

#include "drivers/sim/words.hpp"

namespace tapd::drivers::sim {
namespace {

constexpr std::chrono::hours longest_scenario{24 * 366};

struct Unit {
  std::string_view name;
  double seconds;
};
/// "ms" before "s": the first that a time ends with is its unit.
constexpr std::array units{Unit{"ms", 1e-3}, Unit{"s", 1}, Unit{"min", 60}, Unit{"h", 3600}};

/// "1.5s", without sign.
std::optional<std::chrono::nanoseconds> duration_in(std::string_view word) {
  for (const Unit& unit : units) {
    if (!word.ends_with(unit.name)) continue;
    const auto number = number_in<double>(word.substr(0, word.size() - unit.name.size()));
    const double longest_s = std::chrono::duration<double>(longest_scenario).count();
    if (!number || std::signbit(*number) || *number * unit.seconds > longest_s) return std::nullopt;
    return std::chrono::nanoseconds{std::llround(*number * unit.seconds * 1e9)};
  }
  return std::nullopt;
}

std::string_view without_comment(std::string_view line) {
  return line.substr(0, line.find('#'));
}

/// A line that says something. `before` is the time of the line before.
tl::expected<ScenarioStep, std::string> step_in(std::string_view line,
                                                std::chrono::nanoseconds before) {
  const std::string_view time = words_of(line).front();
  const bool relative = time.starts_with('+');
  const auto duration = duration_in(relative ? time.substr(1) : time);
  if (!duration) {
    return tl::unexpected(fmt::format(
        "\"{}\" is not a time: that is a number with ms, s, min or h (1.5s), at most a year, and a "
        "plus before it when it counts from the line before (+500ms)",
        time));
  }
  const std::chrono::nanoseconds at = relative ? before + *duration : *duration;
  if (at < before) {
    return tl::unexpected(fmt::format("\"{}\" is earlier than the line before", time));
  }
  if (at > longest_scenario) return tl::unexpected(std::string{"this is later than a year"});
  const std::size_t rest = line.find(time) + time.size();
  return parse_command(line.substr(rest)).map([at](const Command& command) {
    return ScenarioStep{at, command};
  });
}

}  // namespace

void Scenario::begin(SinceBoot now) {
  began_ = now;
  played_ = 0;
}

std::vector<Command> Scenario::due(SinceBoot now) {
  std::vector<Command> commands;
  for (auto at = next(); at && *at <= now; at = next()) {
    commands.push_back(steps_[played_++].command);
  }
  return commands;
}

std::optional<SinceBoot> Scenario::next() const {
  if (!began_ || played_ == steps_.size()) return std::nullopt;
  return *began_ + steps_[played_].at;
}

tl::expected<Scenario, std::string> parse_scenario(std::string_view text, const std::string& name) {
  std::vector<ScenarioStep> steps;
  std::string errors;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = without_comment(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (++number > most_scenario_lines) {
      errors += fmt::format("{}{}:{}: a scenario has at most {} lines", errors.empty() ? "" : "\n",
                            name, number, most_scenario_lines);
      break;
    }
    if (words_of(line).empty()) continue;
    auto step = step_in(line, steps.empty() ? std::chrono::nanoseconds{} : steps.back().at);
    if (step) {
      steps.push_back(*std::move(step));
    } else {
      errors += fmt::format("{}{}:{}: {}", errors.empty() ? "" : "\n", name, number, step.error());
    }
  }
  if (!errors.empty()) return tl::unexpected(errors);
  return Scenario{std::move(steps)};
}

Scenario load_scenario(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::string text;
  std::getline(in, text, '\0');  // A text: the whole of it.
  if (in.bad() || !in.eof()) throw std::runtime_error{fmt::format("cannot read {}", file.string())};
  auto scenario = parse_scenario(text, file.string());
  if (!scenario) throw std::runtime_error{scenario.error()};
  return *std::move(scenario);
}

}  // namespace tapd::drivers::sim
