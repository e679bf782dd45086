// tapctl: asks a running tapd. Prints for people, or the API's JSON with --json.
//
// Exit codes: 0 done; 1 tapd answered with a refusal; 2 the command line is wrong; 3 nobody
// answers.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "daemon/api_client.hpp"
#include "daemon/tapctl_books.hpp"
#include "daemon/tapctl_doctor.hpp"
#include "daemon/tapctl_explain.hpp"
#include "daemon/tapctl_pours.hpp"
#include "daemon/tapctl_selftest.hpp"
#include "daemon/tapctl_staff.hpp"
#include "daemon/tapctl_talk.hpp"
#include "daemon/tapctl_watch.hpp"
#include "storage/model/ids.hpp"

namespace {

using nlohmann::json;

using tapd::exit_refused;
using tapd::exit_usage;
using tapd::money;

void print_tap(const json& tap) {
  fmt::print("tap {:<3} {:<12}", tap.at("tap_id").get<int>(), tap.at("state").get<std::string>());
  if (tap.contains("receipt")) {
    fmt::print("{:<12} {:>5} ml of {:>5} ml  {:>7}  {} ({})  receipt {}", tap.value("guest", ""),
               tap.at("volume_ml").get<int>(), tap.at("limit_ml").get<int>(),
               money(tap.at("price_cents")), tap.value("beverage", ""), tap.value("card", ""),
               tap.at("receipt").get<std::string>());
  } else {
    fmt::print("{}", tap.value("reason", ""));
  }
  fmt::print("\n");
}

/// Only what somebody should look at: a reader without incidents is not mentioned.
void print_reader(const json& tap) {
  if (!tap.contains("reader")) return;
  const json& reader = tap.at("reader");
  const auto count = [&](const char* name) { return reader.value(name, std::uint64_t{0}); };
  if (count("incidents") == 0) return;
  fmt::print(
      "        reader{}: {} incidents; initialised {}, soft reset {}, reset by line {}, reopened "
      "{}, "
      "given up {} times\n",
      reader.value("out_of_service", false) ? " OUT OF SERVICE" : "", count("incidents"),
      count("initialised"), count("soft_resets"), count("line_resets"), count("reopened"),
      count("given_up"));
}

/// A finding of the doctor's, with what to do where there is something to do.
void print_finding(const json& finding) {
  const auto health = finding.at("health").get<std::string>();
  fmt::print("{}{}\n", health == "good" ? "" : health + ": ",
             finding.at("what").get<std::string>());
  if (const auto next = finding.at("next").get<std::string>(); !next.empty()) {
    fmt::print("        next: {}\n", next);
  }
}

std::string server_in_words(const json& status) {
  if (const auto why = status.at("no_server").get<std::string>(); !why.empty()) {
    return fmt::format("NOT asked ({})", why);
  }
  return status.at("server_reachable").get<bool>() ? "reachable" : "NOT reachable";
}

void print_status(const json& status) {
  fmt::print("{} (tapd {}), server {}{}\n", status.at("controller_id").get<std::string>(),
             status.at("version").get<std::string>(), server_in_words(status),
             status.at("emergency_stop").get<bool>() ? ", EMERGENCY STOP" : "");
  for (const json& tap : status.at("taps")) {
    print_tap(tap);
    print_reader(tap);
  }
  const json& queue = status.at("queue");
  fmt::print("queue: {} waiting, {} failed, {} confirmed; {} not yet confirmed by the server\n",
             queue.at("waiting").get<int>(), queue.at("failed").get<int>(),
             queue.at("confirmed").get<int>(), money(queue.at("owed_cents")));
  print_finding(status.at("clock"));
  print_finding(status.at("disk"));
}

/// Prints the answer or answers the exit code of the refusal.
template<typename Print>
int show(const tl::expected<json, int>& body, bool as_json, Print print) {
  if (!body) return body.error();
  if (as_json) {
    fmt::print("{}\n", body->dump(2));
  } else {
    print(*body);
  }
  return 0;
}

int watch_status(const tapd::ApiClient& client, bool as_json) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  tapd::Watched status{client};
  for (;;) {
    const auto body = status.get("/status");
    // Home, and each line cleared as it is written over: no flicker.
    if (body && terminal && !as_json) fmt::print("\033[H\033[2J");
    if (const int code = show(body, as_json, print_status); code != 0) return code;
    std::fflush(stdout);
    constexpr int between_looks = 500;
    tapd::wait_ms(between_looks);
  }
}

constexpr const char* sim_help =
    "Drives the simulated bar, one command:\n"
    "  card TAP UID|none      lay a card on the tap's reader, or take it away\n"
    "  handle TAP ML_PER_S    how far the guest pulls the handle; 0 lets go\n"
    "  keg TAP ML             what is left in the keg\n"
    "  foam TAP on|off        leak TAP ML_PER_S     flicker TAP RATE\n"
    "  valve TAP ok|stuck-open|stuck-shut           meter TAP ok|silent|noise HZ\n"
    "  reader TAP ok|hang|bad-check                 two-cards TAP UID UID";

int run(int argc, char** argv) {
  CLI::App app{
      "tapctl asks a running tapd. Exit codes: 0 done, 1 refused, 2 wrong command line, "
      "3 nobody answers."};
  std::string socket = "/run/tapd/tapd.sock";
  bool as_json = false;
  const CLI::Option* const told = app.add_option("--socket", socket, "the socket of tapd")
                                      ->capture_default_str()
                                      ->envname("TAPD_SOCKET");
  app.add_flag("--json", as_json, "print the answer as JSON");
  app.require_subcommand(1);
  app.fallthrough();

  CLI::App* status = app.add_subcommand("status", "taps, sessions, queue, server, clock and disk");
  bool watch = false;
  status->add_flag("--watch", watch, "draw it again twice a second, until Ctrl-C");
  CLI::App* clear = app.add_subcommand(
      "clear",
      "a tap that was faulted by noise or a stuck valve, or whose keg was empty, is well; lost "
      "lines are taken anew");
  int tap = 0;
  clear->add_option("tap", tap, "its number")
      ->required()
      ->check(CLI::Range(1, tapd::model::TapId::largest));
  const tapd::PoursCommands pours{app};
  const tapd::BooksCommands books{app};
  const tapd::StaffCommands staff{app};
  const tapd::DoctorCommand doctor{app};
  const tapd::ExplainCommand explain{app};
  const tapd::WatchCommands watching{app};
  const tapd::SelftestCommand selftest{app};
  CLI::App* sim = app.add_subcommand("sim", sim_help);
  std::vector<std::string> words;
  sim->add_option("command", words, "the command and its values")->required();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }

  const tapd::ApiClient tapd_client{socket};
  // The doctor reads a configuration, which may name another one.
  const auto asked = told->count() > 0 ? std::optional{socket} : std::nullopt;
  if (status->parsed() && watch) return watch_status(tapd_client, as_json);
  if (status->parsed())
    return show(tapd::body_of(tapd_client.get("/status")), as_json, print_status);
  if (const auto code = pours.run(tapd_client, as_json)) return *code;
  if (const auto code = books.run(tapd_client, as_json)) return *code;
  if (const auto code = explain.run(tapd_client, as_json)) return *code;
  if (const auto code = doctor.run(asked, as_json)) return *code;
  if (const auto code = watching.run(tapd_client, as_json)) return *code;
  if (const auto code = selftest.run(tapd_client, as_json)) return *code;
  if (const auto code = staff.run(tapd_client, as_json)) return *code;
  const auto done = [](const json&) { fmt::print("done\n"); };
  if (clear->parsed()) {
    return show(tapd::body_of(tapd_client.post("/clear", fmt::format("{}", tap))), as_json,
                [&](const json&) { tapd::say_done(tapd_client, tap); });
  }
  return show(tapd::body_of(tapd_client.post("/sim", fmt::format("{}", fmt::join(words, " ")))),
              as_json, done);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    // What is redirected is written only now, and a list of pours that is not there is not
    // exported.
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    fmt::print(stderr, "tapctl: the output could not be written: {}\n", std::strerror(errno));
    return exit_refused;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tapctl: {}\n", error.what());
    return exit_refused;
  }
}
