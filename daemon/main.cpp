// tapd: reads the command line and the configuration, and runs.
//
// Exit codes: 0 stopped as asked; 1 something could not be opened or failed; 2 the command line is
// wrong; 78 the configuration is wrong (EX_CONFIG of sysexits.h).
#include <cstdio>
#include <optional>
#include <string>

#include <curl/curl.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "daemon/app.hpp"
#include "daemon/config.hpp"
#include "daemon/control_loop.hpp"
#include "daemon/in_force.hpp"
#include "daemon/journal_thread.hpp"
#include "daemon/shut_valves.hpp"

namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr int exit_config = 78;

/// A file that is not good must not keep the valves open that the last tapd held.
int only_shut_valves(const std::string& file) {
  const std::optional<tapd::Config> held = tapd::config_in_force();
  std::optional<tapd::Config> next;
  try {
    next = tapd::read_config(file);
  } catch (const tapd::ConfigError& error) {
    if (!held) throw;
    fmt::print(stderr,
               "tapd: the configuration is not good, the one that was in force is used:\n{}\n",
               error.what());
  }
  const tapd::ShutReport report = tapd::shut_valves(tapd::valves_to_shut(held, next));
  for (const std::string& line : report.lines) fmt::print("{}\n", line);
  return report.all_shut ? 0 : exit_failed;
}

/// "GPIO22 high", a line for each valve: its line, and the level that opens it.
int only_list_valves(const tapd::Config& config) {
  for (const tapd::TapConfig& tap : config.taps) {
    if (tap.simulated) continue;
    fmt::print("{} {}\n", tap.valve_line.name, tap.valve_line.active_low ? "low" : "high");
  }
  return 0;
}

/// What is to be done instead of running.
struct Instead {
  bool check{false};
  bool shut{false};
  bool list{false};
};

int run(const std::string& file, const Instead& instead) {
  if (instead.shut) return only_shut_valves(file);
  const tapd::Config config = tapd::read_config(file);
  if (instead.list) return only_list_valves(config);
  if (instead.check) {
    fmt::print("{}: good: {} taps, server {}\n", file, config.taps.size(),
               config.server.url.empty() ? "none" : config.server.url);
    return 0;
  }
  curl_global_init(CURL_GLOBAL_DEFAULT);
  tapd::block_loop_signals();  // before any thread: they are read from a descriptor
  const tapd::Level least = tapd::level_from(config.log_level);
  tapd::JournalThread journal{least, tapd::sink_of_stderr()};
  try {
    return tapd::run_tapd(config, file, journal);
  } catch (const std::exception& error) {
    journal.line(tapd::Message::cannot_run, tapd::Level::error,
                 fmt::format("cannot run: {}", error.what()));
    return exit_failed;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "tapd runs the taps of one controller: cards, meters, valves, and the queue of pours "
      "to the venue server."};
  std::string file = "/etc/tapd/tapd.toml";
  Instead instead;
  app.add_option("--config", file, "the configuration")->capture_default_str();
  app.add_flag("--check-config", instead.check, "read and check the configuration, then end");
  app.add_flag(
      "--shut-valves", instead.shut,
      "drive every configured valve shut, then end; 1 when one could not be (for systemd's "
      "ExecStopPost)");
  app.add_flag("--valve-lines", instead.list,
               "print each valve's GPIO line and the level that opens it, then end (for firmware)");
  app.set_version_flag("--version", tapd::version());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }
  try {
    return run(file, instead);
  } catch (const tapd::ConfigError& error) {
    fmt::print(stderr, "tapd: the configuration is not good:\n{}\n", error.what());
    return exit_config;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tapd: {}\n", error.what());
    return exit_failed;
  }
}
