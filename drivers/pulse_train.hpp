// The pulses that keep a valve's external one-shot alive: a wave on a line of its own, driven by
// the control loop at its pace and only while the valve is open. When the loop hangs, is stopped or
// dies, edges stay away and the one-shot takes the coil's current, without any software. Used from
// the control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "drivers/output_line.hpp"

#include <tl/expected.hpp>

namespace tapd::drivers {

/// When to switch: pure, with the time as an argument. An edge that comes late is not made up for:
/// a burst of edges after a pause would tell the one-shot that all had been well.
class PulseTrain {
 public:
  using SinceBoot = std::chrono::nanoseconds;

  /// `hz` whole pulses a second, 1 or more.
  explicit PulseTrain(std::int64_t hz);

  /// The level that the line should have now. `wanted`: the valve is open.
  bool step(SinceBoot now, bool wanted);
  /// When the next edge is due; none while nothing is wanted.
  [[nodiscard]] std::optional<SinceBoot> wake_at() const { return next_edge_; }

 private:
  std::chrono::nanoseconds half_period_;
  bool high_{false};
  std::optional<SinceBoot> next_edge_;
};

/// A pulse train on a line.
class KeepAlive {
 public:
  KeepAlive(std::unique_ptr<OutputLine> line, std::int64_t hz);

  /// Drives the line when it has to change. An error is the line's.
  [[nodiscard]] tl::expected<void, std::string> step(PulseTrain::SinceBoot now, bool wanted);
  [[nodiscard]] std::optional<PulseTrain::SinceBoot> wake_at() const { return train_.wake_at(); }
  /// Takes its line anew, quiet, after it was lost.
  [[nodiscard]] tl::expected<void, std::string> retake();
  /// "20 pulses/s on GPIO23 on pinctrl-bcm2711, active high".
  [[nodiscard]] std::string describe() const;

 private:
  std::unique_ptr<OutputLine> line_;
  std::int64_t hz_;
  PulseTrain train_;
  std::optional<bool> driven_;  // nullopt: not driven yet, so the first step tells whether it can
};

}  // namespace tapd::drivers
