#include "drivers/signal_pattern.hpp"

#include <array>
#include <map>
#include <set>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "drivers/line_indicator.hpp"
#include "tests/drivers/fake_output.hpp"

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;

constexpr std::array every_signal{Signal::off,          Signal::idle,        Signal::wait,
                                  Signal::ready,        Signal::pouring,     Signal::nearly_out,
                                  Signal::denied_funds, Signal::denied_card, Signal::denied_tap,
                                  Signal::remove_card,  Signal::fault,       Signal::service,
                                  Signal::menu_1,       Signal::menu_2,      Signal::menu_3,
                                  Signal::menu_4,       Signal::menu_5};

/// What a signal looks like, looked at every 20 ms for three seconds.
std::string film(Signal signal) {
  PatternPlayer player;
  player.show(signal, 7ms);
  std::string frames;
  for (auto now = 7ms; now < 3'007ms; now += 20ms) frames += player.lit(now).to_string() + " ";
  return frames;
}

/// Walks from change to change as the control loop does.
std::map<PatternPlayer::SinceBoot, Lit> changes(Signal signal, PatternPlayer::SinceBoot until) {
  PatternPlayer player;
  player.show(signal, 0ns);
  std::map<PatternPlayer::SinceBoot, Lit> seen{{0ns, player.lit(0ns)}};
  auto at = player.next_change(0ns);
  while (at && *at < until) {
    seen.emplace(*at, player.lit(*at));
    at = player.next_change(*at);
  }
  return seen;
}

Lit only(Lamp lamp) {
  return Lit{}.set(static_cast<std::size_t>(lamp));
}

class PlayedSignals {
 public:
  PlayedSignals() {
    for (std::size_t lamp = 0; lamp < lamp_count; ++lamp) {
      wires.at(lamp) = std::make_shared<test::Wire>();
    }
  }
  [[nodiscard]] LampLines lines() const {
    LampLines lines;
    for (std::size_t lamp = 0; lamp < lamp_count; ++lamp) {
      lines.at(lamp) = std::make_unique<test::FakeOutput>(wires.at(lamp));
    }
    return lines;
  }
  [[nodiscard]] test::Wire& wire(Lamp lamp) const {
    return *wires.at(static_cast<std::size_t>(lamp));
  }
  std::array<std::shared_ptr<test::Wire>, lamp_count> wires;
};

TEST_CASE("no two signals look the same, and every one but off shows something", "[indicator]") {
  std::set<std::string> films;
  for (const Signal signal : every_signal) {
    // What is heard at the beginning is all that tells `ready` from `pouring`.
    CHECK(films.insert(film(signal)).second);
    CHECK((film(signal).find('1') != std::string::npos) == (signal != Signal::off));
  }
}

TEST_CASE("the patterns are sound: no lamp twice, every blink with a length", "[indicator]") {
  for (const Signal signal : every_signal) {
    Lit used;
    for (const Blink& blink : pattern_of(signal)) {
      const auto lamp = static_cast<std::size_t>(blink.lamp);
      CHECK_FALSE(used[lamp]);
      used.set(lamp);
      CHECK(blink.on > 0ms);
      CHECK(blink.off >= 0ms);
      CHECK(blink.times >= 0);
      if (blink.lamp == Lamp::buzzer) CHECK(blink.times > 0);  // nothing beeps for ever
    }
  }
}

TEST_CASE("blinks that are counted come as often as they should and stop", "[indicator]") {
  const auto seen = changes(Signal::denied_funds, 1h);
  const Lit both = only(Lamp::red) | only(Lamp::buzzer);
  CHECK(seen == std::map<PatternPlayer::SinceBoot, Lit>{
                    {0ms, both}, {200ms, {}}, {400ms, both}, {600ms, {}}, {800ms, {}}});
}

TEST_CASE("a change is known before it comes, at every moment of every signal", "[indicator]") {
  for (const Signal signal : every_signal) {
    PatternPlayer player;
    player.show(signal, 0ns);
    for (auto now = 0ms; now < 2'500ms; now += 1ms) {
      const bool changes_next = player.lit(now) != player.lit(now + 1ms);
      const auto next = player.next_change(now);
      if (changes_next) REQUIRE((next && *next == now + 1ms));
      if (next) REQUIRE(*next > now);
    }
  }
}

TEST_CASE("a signal that is shown again goes on; another one begins at once", "[indicator]") {
  PatternPlayer player;
  player.show(Signal::ready, 0ms);
  player.show(Signal::ready, 50ms);
  CHECK(player.lit(79ms) == (only(Lamp::green) | only(Lamp::buzzer)));
  CHECK(player.lit(80ms) == only(Lamp::green));
  player.show(Signal::idle, 81ms);
  CHECK(player.lit(81ms) == only(Lamp::blue));
}

TEST_CASE("lamps follow their pattern, each driven only when it changes", "[indicator]") {
  const PlayedSignals played;
  LineIndicator indicator{played.lines()};
  indicator.show(Signal::wait, 0ms);
  CHECK(indicator.wake_at() == 100ms);
  for (auto now = 0ms; now < 1'000ms; now += 10ms) indicator.tick(now);
  CHECK(played.wire(Lamp::blue).history.size() == 10);
  CHECK(played.wire(Lamp::red).history.empty());
  indicator.show(Signal::off, 1'000ms);
  CHECK_FALSE(played.wire(Lamp::blue).on);
  CHECK_FALSE(indicator.wake_at());
}

TEST_CASE("a lamp that breaks is told once, and the others go on", "[indicator]") {
  const PlayedSignals played;
  LineIndicator indicator{played.lines()};
  played.wire(Lamp::red).gone = true;
  indicator.show(Signal::denied_card, 0ms);
  CHECK_THAT(indicator.take_trouble(), Catch::Matchers::ContainsSubstring("No such device"));
  indicator.show(Signal::fault, 100ms);
  CHECK(indicator.take_trouble().empty());
  CHECK(played.wire(Lamp::buzzer).on);
}

// Found by reading: after one failed command a lamp stayed dark until tapd was started again.
TEST_CASE("a lamp that was lost shines again when it is taken anew", "[indicator]") {
  const PlayedSignals played;
  LineIndicator indicator{played.lines()};
  test::Wire& red = played.wire(Lamp::red);
  red.lost = red.gone = true;
  indicator.show(Signal::fault, 0ms);
  REQUIRE_FALSE(indicator.take_trouble().empty());
  for (auto now = 0ms; now < 10'000ms; now += 10ms) indicator.tick(now);
  CHECK(red.retaken == 0);
  indicator.retake(10'000ms);
  CHECK_FALSE(indicator.take_trouble().empty());  // it is still away, and told again
  red.gone = false;
  indicator.retake(11'000ms);
  CHECK(indicator.take_trouble().empty());
  for (auto now = 11'000ms; !red.on && now < 13'000ms; now += 10ms) indicator.tick(now);
  CHECK(red.on);
  CHECK(played.wire(Lamp::green).retaken == 0);  // what is well is left alone
}

TEST_CASE("lamps that are not wired are left out", "[indicator]") {
  LineIndicator indicator{LampLines{}};
  for (const Signal signal : every_signal) indicator.show(signal, 1ms);
  CHECK(indicator.take_trouble().empty());
}

}  // namespace
}  // namespace tapd::drivers
