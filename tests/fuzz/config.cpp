// Any text as the configuration. Either it is refused, with the file's name and a reason in every
// line, or what is taken is a bar that can be run safely: taps that are told apart, no output of
// one on a line of another, and bounds on how long a valve stays open and how often a row is sent.
#include <cstddef>
#include <cstdint>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/config.hpp"
#include "tests/fuzz/promise.hpp"

namespace tapd::fuzz {
namespace {

constexpr const char* name = "tapd.toml";

void check_refusal(const ConfigError& refusal) {
  const std::string prefix = std::string{name} + ":";
  std::istringstream lines{refusal.what()};
  std::string line;
  int findings = 0;
  while (std::getline(lines, line)) {
    promise(line.rfind(prefix, 0) == 0, "a finding that does not name the file: " + line);
    promise(line.size() > prefix.size() + 3, "a finding without a reason: " + line);
    ++findings;
  }
  promise(findings > 0, "a refusal without a word");
}

void check_lines(const TapConfig& tap, std::set<std::pair<std::string, std::string>>& taken) {
  const auto take = [&](const LineConfig& line) {
    promise(!line.name.empty(), "a tap with a line without a name");
    promise(taken.emplace(line.chip, line.name).second, "two uses of the line " + line.name);
  };
  take(tap.meter_line);
  take(tap.valve_line);
  if (tap.keep_alive) take(tap.keep_alive->line);
}

void check_taken(const Config& config) {
  std::set<std::int32_t> taps;
  std::set<std::pair<std::string, std::string>> lines;
  promise(!config.taps.empty(), "a bar without a tap");
  for (const TapConfig& tap : config.taps) {
    promise(tap.id.number() >= 1 && tap.id.number() <= 999, "a tap's number out of range");
    promise(taps.insert(tap.id.number()).second, "two taps of one number");
    promise(tap.rules.longest_open > std::chrono::milliseconds{0} &&
                tap.rules.longest_open <= std::chrono::hours{1},
            "a valve that may stay open for longer than an hour");
    if (!tap.simulated) check_lines(tap, lines);
  }
  promise(config.server.batch_size > 0 && config.server.batch_size <= 1'000, "a batch's size");
  promise(config.server.attempt_cap > 0, "an attempts cap that gives up at once");
  promise(!config.controller_id.empty(), "a controller without a name");
}

}  // namespace
}  // namespace tapd::fuzz

// The name that libFuzzer calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  try {
    tapd::fuzz::check_taken(tapd::parse_config(text, tapd::fuzz::name));
  } catch (const tapd::ConfigError& refusal) {
    tapd::fuzz::check_refusal(refusal);
  }
  return 0;
}
