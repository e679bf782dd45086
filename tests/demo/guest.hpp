// What a guest does at a tap, as a person would: lays the card down when the tap is free, waits for
// the valve, pulls the handle, lets go when the glass is full or nothing comes any more, takes the
// card away. Who got no answer, or whose valve shut for no reason of theirs (on a machine that
// stands still a reader stops looking), tries again. Pure: the tap's state and the time go in,
// commands for the simulated bar and words for the onlooker come out. Called by the director, ten
// times a second.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/demo/answers.hpp"
#include "tests/demo/story.hpp"

namespace tapd::demo {

using Instant = std::chrono::nanoseconds;  ///< Since boot.

/// What came of a visit.
enum class Outcome : std::uint8_t {
  poured,
  ran_dry,  ///< The valve shut at the limit while the guest still pulled.
  was_refused,
  was_cut_off,  ///< tapd died while the valve was open for the guest.
  came_to_nothing,
};
[[nodiscard]] std::string_view to_text(Outcome outcome);
/// Whether it is what the story foresaw.
[[nodiscard]] bool fits(Expectation expectation, Outcome outcome);

/// What a guest does in one step.
struct Doings {
  std::vector<std::string> commands;  ///< For POST /sim.
  std::vector<std::string> words;     ///< For people.
};

class Guest {
 public:
  /// The visit's `at` counts from `scene_began`.
  Guest(Visit visit, const Pace& pace, Instant scene_began);

  /// One step while tapd runs. `may_come`: nobody else stands at the tap.
  [[nodiscard]] Doings step(const TapStatus& tap, bool may_come, Instant now);
  /// tapd has died: whoever stands at the tap goes away.
  [[nodiscard]] Doings tapd_died(Instant now);

  [[nodiscard]] const Visit& visit() const { return visit_; }
  /// Stands at the tap.
  [[nodiscard]] bool is_there() const;
  [[nodiscard]] bool is_gone() const { return stage_ == Stage::gone; }
  /// Has the hand on the handle.
  [[nodiscard]] bool pulls() const { return stage_ == Stage::pulling; }
  /// Known once the guest has gone, or is about to go.
  [[nodiscard]] const std::optional<Outcome>& outcome() const { return outcome_; }
  /// The tap's last word to a guest that was refused.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  /// How often a guest comes to the tap at most, for one visit.
  static constexpr int most_tries = 3;

 private:
  enum class Stage : std::uint8_t { on_the_way, asking, reaching, pulling, leaving, gone };

  void enter(Stage stage, Instant now);
  void go(Instant now, Doings& doings);
  void leave(Outcome outcome, std::chrono::milliseconds after, Instant now);
  void ask(const TapStatus& tap, Instant now, Doings& doings);
  void reach(const TapStatus& tap, Instant now, Doings& doings);
  void pull(const TapStatus& tap, Instant now, Doings& doings);
  [[nodiscard]] std::string command(const char* verb, const std::string& value) const;
  [[nodiscard]] std::chrono::milliseconds paced(std::chrono::milliseconds duration) const;

  Visit visit_;
  Pace pace_;
  Instant comes_at_;
  Stage stage_{Stage::on_the_way};
  Instant entered_{};
  Instant leaves_at_{};
  std::optional<Outcome> outcome_;
  std::string refusal_;
  std::int64_t seen_ml_{0};  ///< In this try.
  int tries_{0};
};

/// A tap's reason for a refusal in words ("lost_card": "this card was reported lost").
[[nodiscard]] std::string in_words(const std::string& reason);

}  // namespace tapd::demo
