#include "sync/circuit.hpp"

#include <algorithm>

namespace tapd::sync {

bool Circuit::is_hopeless() const {
  return state_ != State::closed && (cause_ == Cause::no_link || cause_ == Cause::told_to_wait);
}

bool Circuit::probe_due(model::SinceBoot now) const {
  return state_ == State::waiting && now >= until_;
}

std::optional<model::SinceBoot> Circuit::probe_at() const {
  if (state_ != State::waiting) return std::nullopt;
  return until_;
}

bool Circuit::succeed() {
  backoff_.succeed();
  const bool news = state_ != State::closed;
  state_ = State::closed;
  return news;
}

std::optional<std::chrono::milliseconds> Circuit::fail(
    Cause cause, bool from_probe, std::optional<std::chrono::milliseconds> told,
    model::SinceBoot now, const Random& random) {
  if (state_ != State::closed && !from_probe) return std::nullopt;
  const auto delay = backoff_.fail(random, told);
  state_ = State::waiting;
  cause_ = told ? Cause::told_to_wait : cause;
  failed_at_ = now;
  until_ = now + delay;
  return delay;
}

void Circuit::hurry(model::SinceBoot now) {
  if (state_ != State::waiting || cause_ == Cause::told_to_wait) return;
  until_ = std::min(until_, std::max<model::SinceBoot>(failed_at_ + hurried_spacing, now));
}

}  // namespace tapd::sync
