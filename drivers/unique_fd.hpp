// A file descriptor that closes itself. For the adapters that talk to the kernel directly;
// move-only.
#pragma once

#include <unistd.h>

#include <utility>

namespace tapd::drivers {

class UniqueFd {
 public:
  UniqueFd() = default;
  /// Takes over `fd`; negative means none.
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_{-1};
};

}  // namespace tapd::drivers
