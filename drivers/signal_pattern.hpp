// What each signal looks and sounds like, as data: which lamp or buzzer, how long on, how long off,
// how often. And the player, which turns a signal and the time into what is lit now. Pure: used by
// the indicator on real lines, tested in microseconds. It drives nothing itself.
#pragma once

#include <array>
#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "drivers/indicator.hpp"

namespace tapd::drivers {

enum class Lamp : std::uint8_t { red, green, blue, buzzer };
inline constexpr std::size_t lamp_count = 4;
/// What is on, by Lamp.
using Lit = std::bitset<lamp_count>;

/// One lamp's part in a signal: on, off, on, off ... from the moment the signal begins.
struct Blink {
  Lamp lamp{Lamp::red};
  std::chrono::milliseconds on{0};   ///< More than zero.
  std::chrono::milliseconds off{0};  ///< Zero: on without a break.
  int times{0};                      ///< Zero: for ever.
};

/// The parts of a signal; all begin together. No lamp twice.
[[nodiscard]] std::span<const Blink> pattern_of(Signal signal);

class PatternPlayer {
 public:
  using SinceBoot = std::chrono::nanoseconds;

  /// Begins a signal. The one that is playing goes on as it is.
  void show(Signal signal, SinceBoot now);
  [[nodiscard]] Signal signal() const { return signal_; }
  /// What is lit at this moment, and ...
  [[nodiscard]] Lit lit(SinceBoot now) const;
  /// ... when that changes next; none: never.
  [[nodiscard]] std::optional<SinceBoot> next_change(SinceBoot now) const;

 private:
  Signal signal_{Signal::off};
  SinceBoot begun_{};
};

}  // namespace tapd::drivers
