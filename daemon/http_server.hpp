// A small HTTP server on a Unix socket, or a loopback port, by GNU libmicrohttpd: chosen because
// Debian 12's cpp-httplib knows no Unix sockets. A few threads of its own, so that who wants a
// valve shut does not wait behind who waits for the disk; a client that sends garbage or never
// reads costs nothing but one of a bounded number of connections, and is dropped when it has taken
// nothing for `idle_seconds`. A stream keeps at most one answer of its source waiting.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace tapd {

struct ApiRequest {
  std::string method;  ///< "GET", "POST"
  std::string path;    ///< Without the query.
  std::map<std::string, std::string> query;
  std::string body;
  std::string user;  ///< Who asks, as the kernel says: "anna", or "uid 1000" without a name.
  /// Whether who asked has hung up meanwhile; null: not known.
  std::function<bool()> gone{};
};
/// What a stream sends next: everything new since `seen`, which it moves on; empty: nothing yet.
/// Called on one of the server's threads; must return at once.
using StreamSource = std::function<std::string(std::uint64_t& seen)>;
struct ApiResponse {
  int status{200};
  std::string body;
  std::string content_type{"application/json"};
  /// Set: the answer goes on until the client leaves; `body` is not sent.
  StreamSource stream{};
};
/// Called on one of the server's threads, several at a time; may wait, but not for long.
using ApiHandler = std::function<ApiResponse(const ApiRequest&)>;

class HttpServer {
 public:
  /// Listens on `socket` (mode 0660). A socket that nobody listens on any more is replaced; one
  /// that is in use is an error. Throws std::runtime_error naming the path and what to do.
  HttpServer(const std::filesystem::path& socket, ApiHandler handler);
  /// Listens on a TCP port of the loopback addresses only; 0 takes a free one. Throws likewise.
  HttpServer(std::uint16_t loopback_port, ApiHandler handler);
  /// Ends every connection and removes the socket.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  HttpServer(HttpServer&&) = delete;
  HttpServer& operator=(HttpServer&&) = delete;
  /// The TCP port; zero on a Unix socket.
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> self_;
};

}  // namespace tapd
