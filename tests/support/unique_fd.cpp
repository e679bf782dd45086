#include "tests/support/unique_fd.hpp"

#include <unistd.h>

#include <utility>

namespace tapd::test {

UniqueFd::~UniqueFd() {
  close();
}

UniqueFd::UniqueFd(UniqueFd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void UniqueFd::close() {
  if (const int fd = std::exchange(fd_, -1); fd >= 0) ::close(fd);
}

}  // namespace tapd::test
