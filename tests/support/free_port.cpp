#include "tests/support/free_port.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <bit>
#include <cerrno>
#include <system_error>

#include "tests/support/unique_fd.hpp"

namespace tapd::test {

int free_port() {
  const UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = std::bit_cast<sockaddr*>(&address);
  if (!socket.is_open() || ::bind(socket.get(), generic, size) != 0 ||
      ::getsockname(socket.get(), generic, &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot find a free port on 127.0.0.1");
  }
  return ntohs(address.sin_port);
}

}  // namespace tapd::test
