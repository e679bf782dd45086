#include "drivers/signal_pattern.hpp"

#include <algorithm>

namespace tapd::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds steady{1'000};
constexpr int for_ever = 0;

constexpr Blink always(Lamp lamp) {
  return {.lamp = lamp, .on = steady, .off = milliseconds{0}, .times = for_ever};
}
constexpr Blink blinking(Lamp lamp, int on_ms, int off_ms, int times = for_ever) {
  return {.lamp = lamp, .on = milliseconds{on_ms}, .off = milliseconds{off_ms}, .times = times};
}

// Blue invites, green pours, red refuses. A guest who sees no colours hears and counts: refusals
// beep as often as they blink, and no two alike.
constexpr std::array idle{always(Lamp::blue)};
constexpr std::array wait{blinking(Lamp::blue, 100, 100)};
constexpr std::array ready{always(Lamp::green), blinking(Lamp::buzzer, 80, 0, 1)};
constexpr std::array pouring{always(Lamp::green)};
constexpr std::array nearly_out{blinking(Lamp::green, 200, 200),
                                blinking(Lamp::buzzer, 60, 140, 2)};
constexpr std::array denied_funds{blinking(Lamp::red, 200, 200, 2),
                                  blinking(Lamp::buzzer, 200, 200, 2)};
constexpr std::array denied_card{blinking(Lamp::red, 200, 200, 3),
                                 blinking(Lamp::buzzer, 200, 200, 3)};
constexpr std::array denied_tap{always(Lamp::red), blinking(Lamp::buzzer, 600, 0, 1)};
constexpr std::array remove_card{blinking(Lamp::blue, 500, 500),
                                 blinking(Lamp::buzzer, 80, 120, 2)};
constexpr std::array fault{blinking(Lamp::red, 100, 100), blinking(Lamp::buzzer, 1'000, 0, 1)};

// A long tone and the valve is open: two colours, because no guest pours now.
constexpr std::array service{always(Lamp::green), blinking(Lamp::blue, 500, 500),
                             blinking(Lamp::buzzer, 600, 0, 1)};
// The number of the act is counted, by ear or by eye; the blue light stays: nothing flows.
constexpr std::array<Blink, 3> menu(int act) {
  return {always(Lamp::blue), blinking(Lamp::green, 120, 180, act),
          blinking(Lamp::buzzer, 120, 180, act)};
}
constexpr std::array menu_1 = menu(1);
constexpr std::array menu_2 = menu(2);
constexpr std::array menu_3 = menu(3);
constexpr std::array menu_4 = menu(4);
constexpr std::array menu_5 = menu(5);

nanoseconds period(const Blink& blink) {
  return blink.on + blink.off;
}
bool is_over(const Blink& blink, nanoseconds age) {
  return blink.times != for_ever && age >= blink.times * period(blink);
}
bool is_steady(const Blink& blink) {
  return blink.times == for_ever && blink.off == milliseconds{0};
}

bool is_on(const Blink& blink, nanoseconds age) {
  return !is_over(blink, age) && age % period(blink) < blink.on;
}

/// The age at which this part changes next, from one that is not over and not steady.
nanoseconds next_age(const Blink& blink, nanoseconds age) {
  const nanoseconds round = age - age % period(blink);
  const nanoseconds falls = round + blink.on;
  return age < falls ? falls : round + period(blink);
}

}  // namespace

std::span<const Blink> pattern_of(Signal signal) {
  switch (signal) {
    case Signal::off:
      return {};
    case Signal::idle:
      return idle;
    case Signal::wait:
      return wait;
    case Signal::ready:
      return ready;
    case Signal::pouring:
      return pouring;
    case Signal::nearly_out:
      return nearly_out;
    case Signal::denied_funds:
      return denied_funds;
    case Signal::denied_card:
      return denied_card;
    case Signal::denied_tap:
      return denied_tap;
    case Signal::remove_card:
      return remove_card;
    case Signal::fault:
      return fault;
    case Signal::service:
      return service;
    case Signal::menu_1:
      return menu_1;
    case Signal::menu_2:
      return menu_2;
    case Signal::menu_3:
      return menu_3;
    case Signal::menu_4:
      return menu_4;
    case Signal::menu_5:
      return menu_5;
  }
  return {};
}

void PatternPlayer::show(Signal signal, SinceBoot now) {
  if (signal == signal_) return;
  signal_ = signal;
  begun_ = now;
}

Lit PatternPlayer::lit(SinceBoot now) const {
  Lit lit;
  for (const Blink& blink : pattern_of(signal_)) {
    if (is_on(blink, now - begun_)) lit.set(static_cast<std::size_t>(blink.lamp));
  }
  return lit;
}

std::optional<PatternPlayer::SinceBoot> PatternPlayer::next_change(SinceBoot now) const {
  const nanoseconds age = now - begun_;
  std::optional<SinceBoot> soonest;
  for (const Blink& blink : pattern_of(signal_)) {
    if (is_steady(blink) || is_over(blink, age)) continue;
    const SinceBoot at = begun_ + next_age(blink, age);
    soonest = std::min(soonest.value_or(at), at);
  }
  return soonest;
}

}  // namespace tapd::drivers
