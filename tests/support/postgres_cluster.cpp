#include "tests/support/postgres_cluster.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "tests/support/deadline.hpp"
#include "tests/support/free_port.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto initdb_limit = 60s;
constexpr auto start_limit = 30s;
constexpr auto stop_limit = 10s;
/// A free port may be taken by somebody else before the server binds it.
constexpr int start_attempts = 5;
constexpr std::string_view user = "tapd";

bool has_programs(const fs::path& folder) {
  return fs::exists(folder / "initdb") && fs::exists(folder / "postgres");
}

fs::path folder_from_pg_config() {
  try {
    auto answer = run_child({.program = "pg_config", .arguments = {"--bindir"}}, 5s);
    if (!answer.status.success()) return {};
    return answer.output.substr(0, answer.output.find('\n'));
  } catch (const std::system_error&) {
    return {};  // not installed: it belongs to a package of its own
  }
}

int version_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  int version = 0;
  const auto end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, version);
  return error == std::errc{} && rest == end ? version : 0;
}

fs::path newest_packaged_folder() {
  fs::path newest;
  int newest_version = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const int version = version_of(entry.path());
    if (version <= newest_version || !has_programs(entry.path() / "bin")) continue;
    newest_version = version;
    newest = entry.path() / "bin";
  }
  return newest;
}

std::optional<UserIds> ids_of(const char* name) {
  std::array<char, 4096> storage{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name, &entry, storage.data(), storage.size(), &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return UserIds{.uid = entry.pw_uid, .gid = entry.pw_gid};
}

std::optional<UserIds> unprivileged_user() {
  if (::geteuid() != 0) return std::nullopt;
  if (const auto postgres = ids_of("postgres")) return postgres;
  if (const auto nobody = ids_of("nobody")) return nobody;
  throw std::runtime_error(
      "PostgreSQL refuses to run as root, and there is no user postgres or "
      "nobody: run as an ordinary user");
}

/// The server writes its state into the last line of this file: "ready" once it takes connections.
bool says_ready(const fs::path& data, pid_t pid) {
  std::ifstream file{data / "postmaster.pid"};
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  constexpr std::size_t state_line = 7;
  return lines.size() > state_line && lines[0] == std::to_string(pid) &&
         lines[state_line].starts_with("ready");
}

std::string content_of(const fs::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

}  // namespace

fs::path postgres_programs() {
  if (auto folder = folder_from_pg_config(); has_programs(folder)) return folder;
  if (auto folder = newest_packaged_folder(); !folder.empty()) return folder;
  throw std::runtime_error(
      "no initdb and postgres, neither where pg_config points nor under "
      "/usr/lib/postgresql: install the package postgresql");
}

PostgresCluster::PostgresCluster(const PostgresOptions& options)
    : options_{options},
      programs_{postgres_programs()},
      run_as_{unprivileged_user()},
      folder_{options.medium} {
  initialise();
  for (int attempt = 0; attempt < start_attempts; ++attempt) {
    port_ = free_port();
    if (try_to_start()) return;
  }
  throw std::runtime_error("PostgreSQL found no port that stayed free; its log:\n" + log());
}

PostgresCluster::~PostgresCluster() {
  if (server_) server_->stop(stop_limit, SIGQUIT);
}

void PostgresCluster::initialise() {
  if (run_as_ && ::chown(folder_.path().c_str(), run_as_->uid, run_as_->gid) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            "cannot give away the folder " + folder_.path().string());
  }
  // The locale C needs no locale package, and sorts by code point: the same on every machine.
  const auto made = run_child(
      {.program = programs_ / "initdb",
       .arguments = {"--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C",
                     fmt::format("--username={}", user), "-D", (folder_ / "data").string()},
       .working_folder = folder_.path(),
       .run_as = run_as_},
      initdb_limit);
  if (!made.status.success()) throw std::runtime_error("initdb failed:\n" + made.output);
}

bool PostgresCluster::try_to_start() {
  const std::string on_disk = options_.fsync ? "on" : "off";
  std::vector<std::string> arguments{"-D", (folder_ / "data").string()};
  for (const auto& setting : std::vector<std::string>{
           "listen_addresses=127.0.0.1", fmt::format("port={}", port_),
           fmt::format("unix_socket_directories={}", folder_.path().string()),
           fmt::format("max_connections={}", options_.max_connections), "fsync=" + on_disk,
           "full_page_writes=" + on_disk, "shared_buffers=32MB", "logging_collector=off",
           "log_destination=stderr", "timezone=UTC"}) {
    arguments.insert(arguments.end(), {"-c", setting});
  }
  // SIGQUIT lets the postmaster end its own children and give back its shared memory.
  server_.emplace(ChildOptions{.program = programs_ / "postgres",
                               .arguments = arguments,
                               .output = ChildOutput::file,
                               .output_file = folder_ / "postgres.log",
                               .working_folder = folder_.path(),
                               .run_as = run_as_,
                               .death_signal = SIGQUIT});
  const Deadline deadline{start_limit};
  while (!says_ready(folder_ / "data", server_->pid())) {
    if (server_->wait(0ms)) {
      server_.reset();
      if (log().find("could not create any TCP/IP sockets") != std::string::npos) return false;
      throw std::runtime_error("PostgreSQL ended while starting; its log:\n" + log());
    }
    if (!deadline.pause(5ms)) {
      throw std::runtime_error("PostgreSQL is not ready after 30 s; its log:\n" + log());
    }
  }
  return true;
}

void PostgresCluster::start() {
  if (server_) return;
  if (!try_to_start()) {
    throw std::runtime_error(fmt::format("port {} was taken while PostgreSQL was down", port_));
  }
}

void PostgresCluster::stop() {
  if (server_) server_->stop(stop_limit, SIGINT);
  server_.reset();
}

void PostgresCluster::crash() {
  if (server_) server_->stop(stop_limit, SIGQUIT);
  server_.reset();
}

std::string PostgresCluster::url(std::string_view database) const {
  return fmt::format("postgresql://{}@127.0.0.1:{}/{}", user, port_, database);
}

std::string PostgresCluster::socket_url(std::string_view database) const {
  return fmt::format("postgresql:///{}?user={}&host={}&port={}", database, user,
                     folder_.path().string(), port_);
}

std::string PostgresCluster::log() const {
  return content_of(folder_ / "postgres.log");
}

}  // namespace tapd::test
