// How long the ledger takes for a write, from the answers to what was asked of it. The controller
// begins no new pour while writes take seconds: a guest who waits for a valve must be told so at
// once, and every pour adds to what waits. Pours that run already go on. It reads no clock.
#pragma once

#include <chrono>
#include <deque>

#include "storage/model/time.hpp"

namespace tapd {

class WritePace {
 public:
  /// A write that takes `slow` or longer makes the ledger slow, until `remembered` after its
  /// answer.
  WritePace(std::chrono::milliseconds slow, std::chrono::milliseconds remembered)
      : slow_{slow}, remembered_{remembered} {}

  void asked(model::SinceBoot now) { waiting_.push_back(now); }
  /// Writes are answered in the order in which they were asked for.
  void answered(model::SinceBoot now) {
    if (waiting_.empty()) return;
    if (now - waiting_.front() >= slow_) slow_until_ = now + remembered_;
    waiting_.pop_front();
  }
  [[nodiscard]] bool slow(model::SinceBoot now) const {
    return now < slow_until_ || (!waiting_.empty() && now - waiting_.front() >= slow_);
  }

 private:
  std::chrono::milliseconds slow_;
  std::chrono::milliseconds remembered_;
  std::deque<model::SinceBoot> waiting_;
  model::SinceBoot slow_until_{};
};

}  // namespace tapd
