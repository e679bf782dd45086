#include "tests/sync/tls_server.hpp"

#include <array>
#include <bit>
#include <memory>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tapd::sync::test {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;
using TlsConnection = std::unique_ptr<SSL, Free>;

extern "C" int tapd_test_choose_protocol(SSL* /*connection*/, const unsigned char** out,
                                         unsigned char* length, const unsigned char* /*in*/,
                                         unsigned /*in_length*/, void* user) {
  const auto& wanted = *static_cast<const std::string*>(user);
  if (wanted.empty()) return SSL_TLSEXT_ERR_NOACK;
  *out = reinterpret_cast<const unsigned char*>(wanted.data());
  *length = static_cast<unsigned char>(wanted.size());
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsServer::TlsServer(const SelfSigned& identity, TlsGreeting greeting)
    : identity_{identity},
      greeting_{std::move(greeting)},
      listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, std::bit_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 1) != 0 ||
      ::getsockname(listener_, std::bit_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error{"the TLS server cannot listen"};
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { serve(); }};
}

TlsServer::~TlsServer() {
  ::shutdown(listener_, SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
  ::close(listener_);
}

std::string TlsServer::url() const {
  return fmt::format("https://127.0.0.1:{}", port_);
}

std::string TlsServer::first_bytes() {
  if (thread_.joinable()) thread_.join();
  return first_bytes_;
}

void TlsServer::serve() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const Context context{SSL_CTX_new(TLS_server_method())};
  SSL_CTX_use_certificate(context.get(), identity_.certificate());
  SSL_CTX_use_PrivateKey(context.get(), identity_.key());
  // So that an old version is refused by the client, not by this side's own caution.
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), greeting_.oldest_version);
  SSL_CTX_set_max_proto_version(context.get(), greeting_.newest_version);
  SSL_CTX_set_alpn_select_cb(context.get(), tapd_test_choose_protocol, &greeting_.protocol);
  {
    const TlsConnection connection{SSL_new(context.get())};
    SSL_set_fd(connection.get(), client);
    if (SSL_accept(connection.get()) == 1) {
      std::array<char, 1'024> bytes{};
      const int got = SSL_read(connection.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (got > 0) first_bytes_.assign(bytes.data(), static_cast<std::size_t>(got));
      SSL_shutdown(connection.get());
    }
  }
  ::close(client);
}

}  // namespace tapd::sync::test
