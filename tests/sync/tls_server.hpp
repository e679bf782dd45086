// A TLS server for one connection whose greeting a test chooses: protocol versions, certificate,
// and what it offers by ALPN. It keeps what the client sent first and hangs up.
#pragma once

#include <string>
#include <thread>

#include "tests/sync/self_signed.hpp"

namespace tapd::sync::test {

struct TlsGreeting {
  int oldest_version{0};  ///< TLS1_2_VERSION, ...; 0: whatever OpenSSL has.
  int newest_version{0};
  std::string protocol;  ///< Chosen by ALPN: "h2"; empty: none is.
};

class TlsServer {
 public:
  TlsServer(const SelfSigned& identity, TlsGreeting greeting);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  TlsServer(TlsServer&&) = delete;
  TlsServer& operator=(TlsServer&&) = delete;

  [[nodiscard]] std::string url() const;
  /// Waits for the end of the connection; the client's first bytes, empty when the handshake
  /// failed.
  [[nodiscard]] std::string first_bytes();

 private:
  void serve();

  const SelfSigned& identity_;
  TlsGreeting greeting_;
  int listener_{-1};
  int port_{0};
  std::string first_bytes_;
  std::thread thread_;
};

}  // namespace tapd::sync::test
