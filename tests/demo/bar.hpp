// The parts of the demo as processes: a PostgreSQL of its own, the venue server, and tapd with
// simulated taps, all in one temporary folder. Starts, kills and asks them; each is ended by its
// pid at the latest when the Bar goes out of scope. Starting throws with the part's own last words;
// asking answers with values. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "daemon/api_client.hpp"
#include "tests/central/database.hpp"
#include "tests/demo/answers.hpp"
#include "tests/demo/cast.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/postgres_cluster.hpp"
#include "tests/support/temp_dir.hpp"

#include <tl/expected.hpp>

namespace tapd::demo {

/// What the demo is made of.
struct BarOptions {
  std::filesystem::path tapd{};             ///< The program.
  std::filesystem::path central{};          ///< The venue server's program.
  std::filesystem::path seed_file{};        ///< The bar that the server loads.
  std::uint64_t seed{1};                    ///< Of the simulated hardware.
  test::Medium medium{test::Medium::disk};  ///< Where all its files are.
};

/// The meters of the simulated taps, which the bounds of the verdict depend on. They differ, as
/// meters do: pulses per litre of tap 1, 2, ...
inline constexpr std::array<std::int64_t, 4> pulses_per_litre{5'600, 2'200, 10'200, 4'380};

/// What the server has booked, asked of PostgreSQL.
struct Booked {
  std::int64_t pours{0};
  std::int64_t cents{0};
};

class Bar {
 public:
  /// Makes the folder and the database cluster. Throws when PostgreSQL cannot be started.
  Bar(BarOptions options, const Cast& cast);

  void start_server();
  void kill_server();
  void start_tapd();
  void kill_tapd();
  /// Asks tapd to end; throws when it does not do so well.
  void stop_tapd();
  void stop_server();
  /// Kills what still runs of tapd and server.
  void end_all();
  /// Throws when a part that was started and not told to end has ended.
  void check_parts();

  // Asking tapd. An error says why there is no answer.
  [[nodiscard]] tl::expected<Status, std::string> ask_status() const;
  [[nodiscard]] tl::expected<std::vector<PourRecord>, std::string> ask_pours() const;
  [[nodiscard]] tl::expected<void, std::string> simulate(const std::string& command) const;

  /// Asks PostgreSQL; throws central::DatabaseError.
  [[nodiscard]] Booked ask_booked();
  [[nodiscard]] central::Connection& database() { return *database_; }

  [[nodiscard]] std::filesystem::path ledger_file() const { return folder_ / "state" / "tapd.db"; }
  [[nodiscard]] std::filesystem::path truth_file() const { return folder_ / "truth"; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  /// Moves the folder to where it stays, with PostgreSQL's log in it. The parts must have ended.
  [[nodiscard]] std::filesystem::path keep_folder();

 private:
  [[nodiscard]] test::ChildOptions logged(const std::string& name, int run) const;
  void write_configuration() const;

  BarOptions options_;
  Cast cast_;
  std::string token_;
  test::TempDir folder_{options_.medium};
  test::PostgresCluster cluster_;
  int port_{0};
  int server_starts_{0};
  int tapd_starts_{0};
  std::optional<test::ChildProcess> server_;  ///< Empty once it was told to end.
  std::optional<test::ChildProcess> tapd_;
  std::optional<central::Connection> database_;
};

}  // namespace tapd::demo
