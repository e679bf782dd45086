// The whole reference venue server in one value: connections, tables, seed, rules and HTTP. Tests
// run it inside themselves; the program tapd-central is a command line around it. It listens from
// construction to destruction, or until stop().
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "tests/central/authorize.hpp"
#include "tests/central/database.hpp"
#include "tests/central/http_server.hpp"
#include "tests/central/venue.hpp"

namespace tapd::central {

struct CentralOptions {
  std::string database_url{};
  std::filesystem::path seed_file{};  ///< Empty: none.
  ServingPolicy policy{};
  bool strict{false};  ///< Answer as the existing server does, see bts_venue.hpp.
  HttpOptions http{};
};

class CentralServer {
 public:
  /// Makes the tables, loads the seed and starts listening. Throws DatabaseError or
  /// std::runtime_error.
  explicit CentralServer(const CentralOptions& options);

  [[nodiscard]] int port() const { return http_.port(); }
  /// "http://127.0.0.1:<port>", without a slash at the end.
  [[nodiscard]] std::string url() const;
  void stop() { http_.stop(); }

 private:
  std::string address_;
  ConnectionPool pool_;
  std::unique_ptr<Venue> venue_;
  HttpServer http_;
};

}  // namespace tapd::central
