// A whole venue of real processes for one test: PostgreSQL, the reference server, and tapd with
// four simulated taps whose physics keeps the truth in a file. The test plays the guests through
// tapd's local API and compares books at the end.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "daemon/api_client.hpp"
#include "drivers/sim/truth.hpp"
#include "tests/central/database.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/postgres_cluster.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

/// Guests of tests/central/bar.json.
inline constexpr const char* ann = "04ab7815cd6b80";   // 25.00
inline constexpr const char* dan = "042e3f4a5b6c81";   // 3.10
inline constexpr const char* eva = "0455aa10ff2380";   // 100.00
inline constexpr const char* finn = "0460b1c2d3e480";  // 0.00
inline constexpr const char* lea = "04beef12345680";   // lost
inline constexpr const char* nobody = "04deadbeef0180";

/// Lines that replace or extend the usual configuration.
struct VenuePlan {
  std::string server_extra{};  ///< More keys of [server].
  std::string tap_extra{};     ///< More keys of each [[tap]].
  bool with_server{true};      ///< Start the reference server.
  std::string server_url{};    ///< Another server instead.
  bool strict{false};          ///< The reference server as the existing one is: `--bts`.
  std::chrono::milliseconds snapshot_interval{300};  ///< The shipped one is 2,000.
  std::string state_dir{};                           ///< Another folder for the ledger.
  std::vector<std::pair<std::string, std::string>> tapd_environment{};
  Medium medium{Medium::memory};  ///< Where its files are.
};

/// What the books say once everything has come to rest.
struct Books {
  std::int64_t pours_here{0};
  std::int64_t charged_here{0};
  std::int64_t pours_at_server{0};
  std::int64_t distinct_at_server{0};
  std::int64_t charged_at_server{0};
  std::int64_t volume_at_server_ml{0};
};

class VenueProcesses {
 public:
  explicit VenueProcesses(VenuePlan plan = {});

  void start_server();
  void kill_server();
  /// Starts tapd and waits until it is ready; fails the test with its log otherwise.
  void start_tapd();
  void kill_tapd();
  /// SIGTERM, and waits.
  ExitStatus stop_tapd();
  [[nodiscard]] ChildProcess& tapd() { return *tapd_; }
  [[nodiscard]] ChildProcess& server() { return *server_; }

  /// One command of the simulated bar; fails the test when refused.
  void sim(const std::string& command);
  /// tapd's local API, as tapctl uses it.
  [[nodiscard]] const ApiClient& api() const { return api_; }
  [[nodiscard]] nlohmann::json status();
  [[nodiscard]] nlohmann::json tap(int number);
  [[nodiscard]] nlohmann::json pours();
  /// Waits until `true_at_last`, looking again and again; false when it did not become true in
  /// time.
  [[nodiscard]] static bool eventually(const std::function<bool()>& true_at_last,
                                       std::chrono::milliseconds limit);
  void wait_for_state(int tap, const std::string& state);
  /// The server answers and its snapshot has been taken over.
  void wait_until_online();
  /// Nothing waits in the queue any more.
  void wait_until_confirmed();
  /// One usual pour: card on, so much flows, card off, settled.
  void pour(int tap, const std::string& card, std::int64_t at_least_ml);

  [[nodiscard]] Books books();
  [[nodiscard]] std::vector<drivers::sim::Truth> truth() const;
  [[nodiscard]] const TempDir& folder() const { return folder_; }
  /// How often the server that runs now was asked for this path. It notes an answer after it.
  [[nodiscard]] int times_asked(const std::string& path) const;
  [[nodiscard]] std::int64_t number_from_server(const char* sql);
  void post_to_server(const std::string& path, const std::string& body);

 private:
  void write_config();
  [[nodiscard]] nlohmann::json get(const std::string& path);

  VenuePlan plan_;
  TempDir folder_{plan_.medium};
  std::unique_ptr<PostgresCluster> cluster_;
  int port_{0};
  std::optional<ChildProcess> server_;
  std::optional<ChildProcess> tapd_;
  ApiClient api_;
};

}  // namespace tapd::test
