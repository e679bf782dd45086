// The evening as data: scenes with their words, what breaks at the beginning of each, how each
// ends, and who comes to which tap when. Made from a seed, which shakes times, thirst and hands a
// little. Pure: it says what is to happen; whether it did is asked of the parts later.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/demo/cast.hpp"

namespace tapd::demo {

/// What must come of a visit; the verdict fails when something else does.
enum class Expectation : std::uint8_t {
  pours,       ///< The guest gets what the guest wants.
  runs_dry,    ///< The valve shuts at the limit of the balance.
  is_refused,  ///< The valve stays shut.
  is_cut_off,  ///< tapd dies in mid-pour.
};
[[nodiscard]] std::string_view to_text(Expectation expectation);

/// One guest at one tap, once.
struct Visit {
  std::chrono::milliseconds at{};  ///< After the scene began; later when the tap is taken.
  std::string guest{};
  std::int64_t tap{0};
  std::int64_t want_ml{0};
  std::int64_t ml_per_s{0};  ///< How far the guest pulls the handle.
  Expectation expect{Expectation::pours};
  std::string remark{};  ///< What is special about the guest; may be empty.
  std::string card{};    ///< UID.
};

/// What happens to the processes as a scene begins.
enum class Incident : std::uint8_t { none, kill_server, kill_tapd, start_tapd, start_server };

/// What a scene waits for after `at_least`.
enum class Ending : std::uint8_t {
  time_is_up,
  taps_in_mid_pour,  ///< All who are to be cut off pour, each with a progress on disk; no others.
  all_is_booked,     ///< Everybody has left, and the queue is empty.
};

struct Scene {
  std::string title{};
  std::array<std::string, 2> words{};  ///< What is happening and why it matters.
  Incident incident{Incident::none};
  Ending ending{Ending::time_is_up};
  std::chrono::milliseconds at_least{};
  std::chrono::milliseconds at_most{};  ///< Then the story goes on all the same.
  std::vector<Visit> visits{};
};

/// How fast the evening is played, in percent.
struct Pace {
  std::int64_t times{100};
  std::int64_t rates{100};
  std::int64_t wants{100};
};
inline constexpr Pace full_pace{};
inline constexpr Pace fast_pace{.times = 33, .rates = 200, .wants = 60};

struct Story {
  Pace pace{};
  std::vector<Scene> scenes{};
};

/// Throws std::runtime_error when the cast lacks a guest of the story.
[[nodiscard]] Story make_story(const Cast& cast, std::uint64_t seed, const Pace& pace);

/// What the words of the last picture are: the story is over and the books are read.
[[nodiscard]] Scene closing_time();

}  // namespace tapd::demo
