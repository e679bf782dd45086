// The bar of the tests: a fresh schema on the executable's own PostgreSQL cluster, filled from
// bar.json, behind a reference server in this process, and a plain HTTP client to talk to it. The
// names below are rows of bar.json.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/central/central_server.hpp"
#include "tests/support/postgres_cluster.hpp"

namespace tapd::central {

inline constexpr const char* token = "right-token";
inline constexpr const char* ann = "a0000000-0000-4000-8000-000000000001";  // 25.00
inline constexpr const char* eva = "a0000000-0000-4000-8000-000000000005";  // 100.00
inline constexpr const char* lea = "a0000000-0000-4000-8000-000000000012";  // lost her card
inline constexpr const char* anns_card = "04ab7815cd6b80";
inline constexpr const char* evas_card = "0455aa10ff2380";
inline constexpr const char* finns_card = "0460b1c2d3e480";    // balance 0.00
inline constexpr const char* lost_card = "04beef12345680";     // Lea's, 15.00
inline constexpr const char* nobodys_card = "04d00dfeed0180";  // inactive, belongs to no guest
inline constexpr const char* unknown_card = "04deadbeef0180";
inline constexpr int ipa_tap = 1;    // 12.90 a litre
inline constexpr int cider_tap = 3;  // 6.95 a litre
inline constexpr std::int64_t ipa_price = 1290;
inline constexpr std::int64_t cider_price = 695;

struct Answer {
  int status{0};  ///< 0: no answer.
  std::string text;
  nlohmann::json body;  ///< null when the text is no JSON.
  std::map<std::string, std::string> headers;
};

/// One controller's connection to a server; opened when first used, kept alive. One thread.
class Client {
 public:
  explicit Client(int port, std::string sent_token = token);
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&&) = delete;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  using Headers = std::map<std::string, std::string>;
  Answer post_text(const std::string& path, const std::string& body);
  Answer post(const std::string& path, const nlohmann::json& body);
  Answer get(const std::string& path, const Headers& headers = {});
  Answer authorize(const char* card_uid, int tap_id);
  /// Sends rows and returns the list of results.
  nlohmann::json sync(const std::vector<nlohmann::json>& rows);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
  std::string token_;
};

/// The cluster that all tests of the executable share.
test::PostgresCluster& shared_cluster();

/// The URL of a new empty schema on it: as good as a database of its own, and made much faster.
std::string new_schema_url();

/// Where bar.json is.
std::string bar_file();

/// A bar that is open: server, client and a direct look into the database.
class Bar {
 public:
  explicit Bar(const ServingPolicy& policy = {}, bool test_controls = true, bool strict = false);

  CentralServer& server() { return server_; }
  Client& client() { return client_; }
  [[nodiscard]] Client another_client() { return Client{server_.port()}; }
  Connection& database() { return database_; }
  [[nodiscard]] const std::string& database_url() const { return url_; }
  std::int64_t balance_of(const char* guest_id);
  std::int64_t pour_count();
  /// The notes of the audit row of a booked pour.
  nlohmann::json notes_of(const std::string& client_tx_id);

 private:
  std::string url_;
  CentralServer server_;
  Client client_;
  Connection database_;
};

/// A well-formed row; the price is computed here, apart from the server's arithmetic.
nlohmann::json pour_row(const std::string& id, const char* card_uid, int tap_id,
                        std::int64_t volume_ml, std::int64_t cents_per_litre);

/// "status/outcome" of one result, for short checks.
std::string verdict(const nlohmann::json& result);

}  // namespace tapd::central
