// HTTP over libcurl's multi interface: several requests at once on one thread, connections kept
// alive, HTTP/2 where a TLS server offers it. The only part that knows curl. It promises that every
// started request completes exactly once, within its deadline, with an answer inside the size
// limits or an error that names host, port and reason; it follows no redirect, uses no proxy and
// speaks http and https only. It does not retry and it does not judge an HTTP status.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/transport.hpp"

namespace tapd::sync {

struct CurlOptions {
  std::string base_url;                ///< "http://host:port" or "https://host", path allowed.
  std::optional<std::string> ca_file;  ///< PEM of the venue's own authority; none: the system's.
  /// PEM files of the controller's own certificate and key, for a venue that asks for one; both or
  /// none.
  std::optional<std::string> client_certificate_file;
  std::optional<std::string> client_key_file;
  std::string user_agent{"tapd"};
  std::chrono::milliseconds connect_timeout{3'000};
  /// Servers close idle connections (5 s on the existing one): an older one is not used again.
  std::chrono::seconds longest_idle{4};
  std::size_t largest_body{16U << 20U};     ///< Counted after decompression.
  std::size_t largest_headers{64U << 10U};  ///< All header lines of one answer together.
  std::size_t most_headers{200};
  /// Not empty: called in `wait` with the end of the server's certificate, as libcurl tells it
  /// ("Mar 24 12:00:00 2027 GMT"), after each request over a new TLS connection.
  std::function<void(const std::string&)> on_certificate{};
};

class CurlTransport final : public Transport {
 public:
  /// Throws std::invalid_argument for a base URL that is not http or https, or that has a query, a
  /// fragment or a password; std::runtime_error when libcurl, the CA file or the
  /// controller's certificate cannot be used.
  explicit CurlTransport(CurlOptions options);
  /// Cancels what is in flight without telling.
  ~CurlTransport() override;
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;
  CurlTransport(CurlTransport&&) = delete;
  CurlTransport& operator=(CurlTransport&&) = delete;

  void start(RequestId id, const HttpRequest& request) override;
  [[nodiscard]] std::vector<Completion> wait(std::chrono::milliseconds at_most) override;
  void wake() noexcept override;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> self_;
};

}  // namespace tapd::sync
