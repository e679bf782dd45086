#include "tests/support/deadline.hpp"

#include <algorithm>
#include <thread>

namespace tapd::test {

Deadline::Deadline(std::chrono::milliseconds limit)
    : end_{std::chrono::steady_clock::now() + limit} {}

bool Deadline::passed() const {
  return left() == std::chrono::milliseconds::zero();
}

std::chrono::milliseconds Deadline::left() const {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds::zero());
}

bool Deadline::pause(std::chrono::milliseconds step) const {
  const auto rest = left();
  if (rest == std::chrono::milliseconds::zero()) return false;
  std::this_thread::sleep_for(std::min(step, rest));
  return true;
}

}  // namespace tapd::test
