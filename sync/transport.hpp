// HTTP as sync needs it: requests are started and their outcomes collected, several at once, each
// with a deadline, and everything can be cancelled at once. The real one is libcurl
// (curl_transport); tests put a server with faults behind it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace tapd::sync {

using RequestId = std::uint64_t;

struct HttpRequest {
  enum class Method : std::uint8_t { get, post };
  Method method{Method::get};
  std::string path;     ///< Below the server's base URL: "/api/sync/pours".
  std::string query{};  ///< What follows the path and a "?": "since=41". Empty: nothing.
  std::map<std::string, std::string> headers;
  std::string body;                      ///< JSON, for post.
  std::chrono::milliseconds deadline{};  ///< From start to the last byte of the answer.
};

struct HttpResponse {
  int status{0};
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;                            ///< At most the transport's size limit.
};

/// No answer came: nothing is known about what the server did.
struct TransportError {
  enum class Kind : std::uint8_t { no_link, timeout, tls, too_large, cancelled, other };
  Kind kind{Kind::other};
  std::string message;  ///< For the journal: "connection refused (127.0.0.1:8000)".
};

using HttpOutcome = tl::expected<HttpResponse, TransportError>;

struct Completion {
  RequestId id{0};
  HttpOutcome outcome;
};

class Transport {
 public:
  Transport() = default;
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  Transport(Transport&&) = delete;
  Transport& operator=(Transport&&) = delete;

  /// Starts a request; its outcome comes from `wait`. Sync thread.
  virtual void start(RequestId id, const HttpRequest& request) = 0;
  /// Waits until something completed, `wake` was called, or the time is over. May return early with
  /// nothing (bytes arrived, but no answer is complete). Sync thread.
  [[nodiscard]] virtual std::vector<Completion> wait(std::chrono::milliseconds at_most) = 0;
  /// Makes `wait` return at once. Any thread.
  virtual void wake() noexcept = 0;
};

}  // namespace tapd::sync
