#include "drivers/pulse_train.hpp"

#include <fmt/format.h>

#include <utility>

namespace tapd::drivers {

PulseTrain::PulseTrain(std::int64_t hz)
    : half_period_(std::chrono::nanoseconds{std::chrono::seconds{1}} / (2 * hz)) {}

bool PulseTrain::step(SinceBoot now, bool wanted) {
  if (!wanted) {
    high_ = false;
    next_edge_.reset();
  } else if (!next_edge_ || now >= *next_edge_) {
    high_ = !high_;
    next_edge_ = now + half_period_;
  }
  return high_;
}

KeepAlive::KeepAlive(std::unique_ptr<OutputLine> line, std::int64_t hz)
    : line_(std::move(line)), hz_(hz), train_(hz) {}

tl::expected<void, std::string> KeepAlive::step(PulseTrain::SinceBoot now, bool wanted) {
  const bool level = train_.step(now, wanted);
  if (level == driven_) return {};
  auto done = line_->drive(level);
  if (done) driven_ = level;
  return done;
}

tl::expected<void, std::string> KeepAlive::retake() {
  train_ = PulseTrain{hz_};
  auto done = line_->retake();
  if (done) driven_ = false;
  return done;
}

std::string KeepAlive::describe() const {
  return fmt::format("{} pulses/s on {}", hz_, line_->describe());
}

}  // namespace tapd::drivers
