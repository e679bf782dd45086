// tapd-central: the reference venue server as a program, for system tests and the demo.
#include <fmt/format.h>
#include <pthread.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "tests/central/central_server.hpp"
#include "tests/support/postgres_cluster.hpp"

namespace {

using tapd::central::CentralOptions;
using tapd::central::CentralServer;
using tapd::test::PostgresCluster;

struct CommandLine {
  std::string listen{"127.0.0.1:0"};
  std::string database;
  bool throw_away{false};
  std::string token;
  std::string seed_file;
  bool bts{false};
  bool test_controls{false};
  bool verbose{false};
  std::vector<std::string> misbehave;
};

void describe(CLI::App& app, CommandLine& line) {
  app.add_option("--listen", line.listen, "ADDRESS:PORT; port 0 picks a free one")
      ->capture_default_str();
  auto* const database = app.add_option("--database", line.database, "postgresql:// URL");
  app.add_flag("--throw-away", line.throw_away,
               "start a PostgreSQL of its own and remove it at the end")
      ->excludes(database);
  app.add_option("--token", line.token, "what X-Internal-Token must be")
      ->envname("TAPD_CENTRAL_TOKEN")
      ->required();
  app.add_option("--seed-file", line.seed_file, "a bar to load, see tests/central/bar.json")
      ->check(CLI::ExistingFile);
  app.add_flag("--bts", line.bts,
               "strict mode: answer as the existing Beer Tap System server does");
  app.add_flag("--test-controls", line.test_controls, "serve /test/... as well");
  app.add_option("--misbehave", line.misbehave,
                 "slow:MS, status:CODE, late:CODE, cut, garbage, portal or duplicate, each with "
                 "@PERCENT; may be given again");
  app.add_flag("--verbose", line.verbose, "one line per request on standard error");
}

CentralOptions options_from(const CommandLine& line, const std::string& database_url) {
  const auto colon = line.listen.rfind(':');
  int port = -1;
  if (colon != std::string::npos) {
    const char* const end = line.listen.data() + line.listen.size();
    const auto [rest, error] = std::from_chars(line.listen.data() + colon + 1, end, port);
    if (error != std::errc{} || rest != end || port > 65535) port = -1;
  }
  if (port < 0) throw std::runtime_error("--listen wants ADDRESS:PORT, not " + line.listen);
  CentralOptions options;
  options.database_url = database_url;
  options.seed_file = line.seed_file;
  options.strict = line.bts;
  options.http.address = line.listen.substr(0, colon);
  options.http.port = port;
  options.http.token = line.token;
  options.http.test_controls = line.test_controls;
  options.http.verbose = line.verbose;
  for (const std::string& mode : line.misbehave) {
    options.http.misbehaviours.push_back(tapd::central::parse_misbehaviour(mode));
  }
  return options;
}

/// Blocks the signals that end the program in this thread and all it starts, so that one place
/// waits for them.
sigset_t block_end_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int serve(const CommandLine& line) {
  const sigset_t signals = block_end_signals();
  std::optional<PostgresCluster> cluster;
  if (line.throw_away) cluster.emplace();
  if (!cluster && line.database.empty()) {
    throw std::runtime_error("say where the data is: --database URL or --throw-away");
  }
  CentralServer server{options_from(line, cluster ? cluster->url() : line.database)};
  fmt::print("listening on {}\n", server.url());
  std::fflush(stdout);
  int signal = 0;
  ::sigwait(&signals, &signal);
  server.stop();
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app{"The reference venue server of tapd"};
  CommandLine line;
  describe(app, line);
  CLI11_PARSE(app, argc, argv);
  return serve(line);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fputs("tapd-central: ", stderr);
    std::fputs(error.what(), stderr);
    std::fputs("\n", stderr);
    return 1;
  }
}
