// The end of a wait, on the monotonic clock. Everything in the test support that waits for another
// process waits against one of these, so no wait is without an end. This is the only file of the
// test support that reads a clock.
#pragma once

#include <chrono>

namespace tapd::test {

/// A moment in the near future.
class Deadline {
 public:
  /// `limit` from now.
  explicit Deadline(std::chrono::milliseconds limit);

  [[nodiscard]] bool passed() const;
  /// What is left, rounded up to whole milliseconds; zero once the deadline has passed.
  [[nodiscard]] std::chrono::milliseconds left() const;
  /// Sleeps for `step`, but not past the deadline; false when it has passed already. For polling
  /// what cannot be waited for otherwise:  while (!ready() && deadline.pause(5ms)) {}
  [[nodiscard]] bool pause(std::chrono::milliseconds step) const;

 private:
  std::chrono::steady_clock::time_point end_;
};

}  // namespace tapd::test
