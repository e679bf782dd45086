// A PostgreSQL server of one's own that is thrown away at the end: a new cluster in a temporary
// folder, listening on 127.0.0.1 and on a Unix socket in that folder, without passwords. Tests of
// the venue server and the demo use it, one per test executable. It uses the PostgreSQL installed
// on the machine and touches no cluster that is already there. Started by root it runs as the user
// "postgres" or "nobody", because PostgreSQL refuses to run as root.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

/// How a cluster runs.
struct PostgresOptions {
  /// Off: commits are with the kernel, not on the disk, when they are answered. Faster, and wrong
  /// for any test of what survives a power cut; a crash of the server alone loses nothing.
  bool fsync{true};
  Medium medium{Medium::disk};  ///< Where its data are.
  int max_connections{64};
};

/// The folder that holds initdb and postgres: what `pg_config --bindir` says, or the newest
/// /usr/lib/postgresql/<version>/bin. Throws std::runtime_error that names the package to install.
[[nodiscard]] std::filesystem::path postgres_programs();

/// A running (or stopped) throw-away cluster. Start it from a thread that outlives it, see
/// ChildOptions::death_signal.
class PostgresCluster {
 public:
  /// Makes the cluster and starts the server, about one second. Throws std::runtime_error or
  /// std::system_error with the server's own words when that fails.
  explicit PostgresCluster(const PostgresOptions& options = {});
  /// Stops the server and removes the folder.
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  /// "postgresql://tapd@127.0.0.1:<port>/<database>". The database "postgres" always exists.
  [[nodiscard]] std::string url(std::string_view database = "postgres") const;
  /// The same through the Unix socket.
  [[nodiscard]] std::string socket_url(std::string_view database = "postgres") const;
  [[nodiscard]] int port() const { return port_; }
  /// What the server wrote, for the message of a failed test.
  [[nodiscard]] std::string log() const;

  /// Ends the server in order: connections are cut, everything is written. Idempotent.
  void stop();
  /// Ends the server at once, without writing anything: what was committed must come back from
  /// the log at the next start.
  void crash();
  /// Starts a stopped server again on the same port and data.
  void start();

 private:
  void initialise();
  [[nodiscard]] bool try_to_start();

  PostgresOptions options_;
  std::filesystem::path programs_;
  std::optional<UserIds> run_as_;
  TempDir folder_;
  int port_{0};
  std::optional<ChildProcess> server_;
};

}  // namespace tapd::test
