// Everything that a tap drives: its valve, the keep-alive pulses of the valve's one-shot, its
// lamps. The controller commands; this obeys, and guards what no session may get wrong: a valve
// that has been open for too long is shut here, whoever holds it open, and one that did not shut is
// shut again and again. Used from the control thread; does not own the drivers.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "daemon/core/session_events.hpp"
#include "drivers/indicator.hpp"
#include "drivers/pulse_train.hpp"
#include "drivers/valve.hpp"

#include <tl/expected.hpp>

namespace tapd {

struct OutputDrivers {
  drivers::Valve* valve{nullptr};
  drivers::KeepAlive* keep_alive{nullptr};  ///< Null: no one-shot is wired.
  drivers::Indicator* indicator{nullptr};   ///< Null: no lamps are wired.
};

class TapOutputs {
 public:
  /// Longer than a session needs to shut by itself, and than a busy board delays it.
  static constexpr std::chrono::seconds grace{1};

  /// `longest_open` is the sessions' own bound; past it and the grace the valve is shut from here.
  TapOutputs(const OutputDrivers& with, std::chrono::milliseconds longest_open)
      : with_{with}, open_limit_{longest_open + grace} {}

  /// An error is told by the valve, which is shut then, or by the keep-alive line. Opening an open
  /// valve again does not lengthen its time.
  [[nodiscard]] tl::expected<void, std::string> open(model::SinceBoot now);
  [[nodiscard]] tl::expected<void, std::string> shut(model::SinceBoot now);
  /// Takes the lines of a shut valve and its keep-alive anew after they were lost. An error is told
  /// by the one that is not back; the valve is tried to be shut again and again then.
  [[nodiscard]] tl::expected<void, std::string> retake(model::SinceBoot now);
  /// The same for lamps that have failed; what is still broken is told by `take_trouble`.
  void retake_lamps(model::SinceBoot now);
  void show(Display display, model::SinceBoot now);

  /// Goes on with pulses and lamps, and guards the valve. An error is a fault of the valve, which
  /// has been told to shut.
  [[nodiscard]] tl::expected<void, std::string> tick(model::SinceBoot now);
  /// When `tick` is due.
  [[nodiscard]] std::optional<model::SinceBoot> wake_at() const;
  /// What has broken that stops no pour; mostly nothing.
  [[nodiscard]] std::string take_trouble();

 private:
  tl::expected<void, std::string> pulse(model::SinceBoot now);
  tl::unexpected<std::string> give_up(const std::string& why, model::SinceBoot now);

  OutputDrivers with_;
  std::chrono::nanoseconds open_limit_;
  bool commanded_open_{false};
  std::optional<model::SinceBoot> shut_by_;  // unless the valve is known to be shut
};

}  // namespace tapd
