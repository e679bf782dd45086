// What the guest sees and hears at the tap: lights and a buzzer.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tapd::drivers {

/// What is to be shown. Kinds of denial differ so that staff can tell them apart from afar.
enum class Signal : std::uint8_t {
  off,
  idle,   ///< Lay a card on.
  wait,   ///< Asking for authorization.
  ready,  ///< Valve open: pour.
  pouring,
  nearly_out,    ///< The end of the credit or of the serving is near.
  denied_funds,  ///< Not enough balance.
  denied_card,   ///< Unknown, lost, inactive card, or two cards.
  denied_tap,    ///< This tap does not sell now.
  remove_card,   ///< Finished: take the card away.
  fault,
  service,  ///< Staff's work: the valve is open for it.
  menu_1,   ///< The service menu, at its first act, and so on.
  menu_2,
  menu_3,
  menu_4,
  menu_5,
};

/// Used from the control thread; never blocks, never throws: a broken light stops no pour.
class Indicator {
 public:
  Indicator() = default;
  virtual ~Indicator() = default;
  Indicator(const Indicator&) = delete;
  Indicator& operator=(const Indicator&) = delete;
  Indicator(Indicator&&) = delete;
  Indicator& operator=(Indicator&&) = delete;

  using SinceBoot = std::chrono::nanoseconds;

  virtual void show(Signal signal, SinceBoot now) noexcept = 0;
  /// Goes on with what is shown; due at `wake_at`.
  virtual void tick(SinceBoot /*now*/) noexcept {}
  /// None: what is shown does not change by itself.
  [[nodiscard]] virtual std::optional<SinceBoot> wake_at() const noexcept { return std::nullopt; }
  /// Takes anew what has broken: it may be back. What is well stays as it is.
  virtual void retake(SinceBoot /*now*/) noexcept {}
  /// What has broken since the last call; mostly nothing.
  [[nodiscard]] virtual std::string take_trouble() noexcept { return {}; }
};

}  // namespace tapd::drivers
