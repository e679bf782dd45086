// A file descriptor with an owner. Used by everything in this folder that opens one; it promises
// that the descriptor is closed exactly once. It does not know what the descriptor refers to.
#pragma once

namespace tapd::test {

/// Owns one file descriptor, or none (-1).
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_{fd} {}
  ~UniqueFd();
  UniqueFd(UniqueFd&& other) noexcept;
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  /// Closes the descriptor now; does nothing when there is none.
  void close();

 private:
  int fd_{-1};
};

}  // namespace tapd::test
