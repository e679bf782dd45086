// A Venue behind HTTP: paths, the token, status codes and headers of the wire contract, on a fixed
// number of worker threads. Listens from construction until stop(). It adds nothing to what the
// venue answers, except where there is no answer: wrong token, unknown path, database away.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/central/database.hpp"
#include "tests/central/misbehaviour.hpp"
#include "tests/central/venue.hpp"

namespace tapd::central {

struct HttpOptions {
  std::string address{"127.0.0.1"};
  int port{0};                ///< 0: the kernel picks one, see HttpServer::port().
  std::string token{};        ///< What X-Internal-Token must be.
  int workers{16};            ///< A connection that is kept alive holds one.
  bool test_controls{false};  ///< Serve /test/... (tests/central/test_controls.hpp).
  bool verbose{false};        ///< One line per request on standard error.
  std::vector<Misbehaviour> misbehaviours{};  ///< What it does wrong, from the first request on.
};

class HttpServer {
 public:
  /// Starts listening. Throws std::runtime_error when the port cannot be had. `venue` and `pool`
  /// must outlive the server; the pool is for the test controls.
  HttpServer(Venue& venue, ConnectionPool& pool, const HttpOptions& options);
  /// Stops.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] int port() const;
  /// Answers what is under way, hangs up on idle connections, and returns when all threads have
  /// ended. Idempotent.
  void stop();

 private:
  class Listener;
  std::unique_ptr<Listener> listener_;
};

}  // namespace tapd::central
