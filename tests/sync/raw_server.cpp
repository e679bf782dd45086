#include "tests/sync/raw_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace tapd::sync::test {
namespace {

using tapd::test::UniqueFd;

void require(bool holds, const char* what) {
  if (!holds) throw std::system_error{errno, std::generic_category(), what};
}

bool readable(int fd) {
  constexpr int patience_ms = 20;  // How soon the end of the test is noticed.
  pollfd wanted{fd, POLLIN, 0};
  return poll(&wanted, 1, patience_ms) > 0;
}

}  // namespace

RawServer::RawServer(std::string bytes, Then then, First first)
    : bytes_{std::move(bytes)},
      then_{then},
      first_{first},
      listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  require(listener_.is_open(), "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const place = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  require(bind(listener_.get(), place, size) == 0, "bind");
  require(listen(listener_.get(), 8) == 0, "listen");
  require(getsockname(listener_.get(), place, &size) == 0, "getsockname");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { serve(); }};
}

RawServer::~RawServer() {
  stop_ = true;
  thread_.join();
}

std::string RawServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

void RawServer::serve() {
  std::vector<UniqueFd> silent;
  while (!stop_) {
    if (!readable(listener_.get())) continue;
    UniqueFd connection{accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!connection.is_open()) continue;
    ++connections_;
    if (first_ == First::listen) read_head(connection.get());
    answer(connection.get());
    if (then_ == Then::keep_silent) silent.push_back(std::move(connection));
  }
}

void RawServer::read_head(int connection) const {
  std::string head;
  std::array<char, 4096> buffer{};
  while (!stop_ && head.find("\r\n\r\n") == std::string::npos) {
    if (!readable(connection)) continue;
    const ssize_t got = recv(connection, buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    head.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

void RawServer::answer(int connection) const {
  std::string_view left = bytes_;
  while (!stop_ && !left.empty()) {
    const ssize_t sent = send(connection, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace tapd::sync::test
