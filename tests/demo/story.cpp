#include "tests/demo/story.hpp"

#include <random>
#include <utility>

namespace tapd::demo {
namespace {

using std::chrono::milliseconds;

/// A card that is in no list of the venue (see the note in the seed file).
constexpr const char* card_of_a_stranger = "04deadbeef0180";
constexpr const char* stranger = "a stranger";

constexpr auto pours = Expectation::pours;
constexpr auto runs_dry = Expectation::runs_dry;
constexpr auto is_refused = Expectation::is_refused;
constexpr auto is_cut_off = Expectation::is_cut_off;

/// More than any balance of the small drinkers pays for: they drink until the valve shuts.
constexpr std::int64_t all_there_is = 1'000;

// A visit: when (ms), who, tap, how much (ml), how fast (ml/s), what must come of it, remark. Those
// who are to be cut off pull gently at any pace: 50 ml of theirs last well over a second, which
// leaves a busy disk time to write what it was given.
std::vector<Visit> visits_of_the_evening() {
  return {
      {milliseconds{600}, "Jo", 4, 130, 50, pours, "", ""},
      {milliseconds{1'000}, "Ann", 1, 300, 55, pours, "", ""},
      {milliseconds{2'200}, "Eva", 2, 330, 58, pours, "", ""},
      {milliseconds{3'600}, "Finn", 3, 300, 50, is_refused, "no money left", ""},
      {milliseconds{5'000}, "Dan", 4, all_there_is, 52, runs_dry, "little money, big thirst", ""},
      {milliseconds{7'400}, stranger, 3, 300, 50, is_refused, "a card nobody knows", ""},
      {milliseconds{8'800}, "Lea", 1, 300, 50, is_refused, "this card was reported lost", ""},
      {milliseconds{11'500}, "Gus", 3, 330, 48, pours, "", ""},
      {milliseconds{12'200}, "Ben", 2, 260, 45, pours, "", ""},
  };
}

std::vector<Visit> visits_without_server() {
  return {
      {milliseconds{2'500}, "Ivo", 1, 420, 60, pours, "a small balance", ""},
      {milliseconds{3'500}, "Lea", 4, 300, 50, is_refused, "tries the lost card again", ""},
      {milliseconds{6'300}, "Kim", 3, 300, 50, is_refused, "hardly any money", ""},
      {milliseconds{7'600}, "Jo", 4, 900, 32, is_cut_off, "", ""},
      {milliseconds{8'600}, "Cleo", 2, 900, 34, is_cut_off, "", ""},
      {milliseconds{9'600}, "Hana", 3, 900, 30, is_cut_off, "", ""},
  };
}

std::vector<Visit> visits_after_the_restart() {
  return {
      {milliseconds{2'200}, "Cleo", 2, 180, 50, pours, "the rest of that glass", ""},
      {milliseconds{3'000}, "Ivo", 1, all_there_is, 55, runs_dry, "second pour, same balance", ""},
      {milliseconds{4'000}, stranger, 4, 300, 50, is_refused, "still unknown, still offline", ""},
  };
}

std::vector<Visit> visits_of_the_last_round() {
  return {
      {milliseconds{3'000}, "Dan", 4, 300, 50, is_refused, "drank it all before", ""},
      {milliseconds{3'600}, "Hana", 3, 220, 52, pours, "", ""},
      {milliseconds{4'400}, "Eva", 1, 200, 50, pours, "", ""},
  };
}

std::vector<Scene> scenes() {
  return {
      {.title = "The bar is open",
       .words = {"A card on the reader opens the valve, as far as the guest's balance goes.",
                 "Each pour is a row on disk, and is booked at the venue server at once."},
       .incident = Incident::none,
       .ending = Ending::time_is_up,
       .at_least = milliseconds{15'000},
       .at_most = milliseconds{15'000},
       .visits = visits_of_the_evening()},
      {.title = "The venue server is killed (SIGKILL)",
       .words = {"The taps go on: balances are known here, less what was drunk since. Who was",
                 "refused stays refused. Every pour is on disk and waits in the queue below."},
       .incident = Incident::kill_server,
       .ending = Ending::taps_in_mid_pour,
       .at_least = milliseconds{13'500},
       .at_most = milliseconds{25'000},
       .visits = visits_without_server()},
      {.title = "Now tapd itself is killed, in mid-pour (SIGKILL)",
       .words = {"The worst moment: beer is running. (On hardware the kernel shuts the valve",
                 "when the process dies.) What ran is on disk, to the last 50 ml or second."},
       .incident = Incident::kill_tapd,
       .ending = Ending::time_is_up,
       .at_least = milliseconds{4'500},
       .at_most = milliseconds{4'500},
       .visits = {}},
      {.title = "tapd starts again and finds the unfinished pours",
       .words = {"Each is finished from its last progress and charged to the card that opened",
                 "the valve. The server is still down; the taps sell again all the same."},
       .incident = Incident::start_tapd,
       .ending = Ending::time_is_up,
       .at_least = milliseconds{10'000},
       .at_most = milliseconds{10'000},
       .visits = visits_after_the_restart()},
      {.title = "The server is back",
       .words = {"The queue drains by itself: a row is sent until the server says it has it.",
                 "A row keeps its id for life, so one that comes twice is booked once."},
       .incident = Incident::start_server,
       .ending = Ending::all_is_booked,
       .at_least = milliseconds{9'000},
       .at_most = milliseconds{60'000},
       .visits = visits_of_the_last_round()},
  };
}

/// Shakes what people do by up to a share of it, up or down.
class Shaker {
 public:
  explicit Shaker(std::uint64_t seed) : random_{seed} {}
  std::int64_t operator()(std::int64_t value, std::int64_t percent) {
    const std::int64_t most = value * percent / 100;
    const auto choices = static_cast<std::uint64_t>(2 * most + 1);
    return value - most + static_cast<std::int64_t>(random_() % choices);
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace

std::string_view to_text(Expectation expectation) {
  switch (expectation) {
    case pours:
      return "pours";
    case runs_dry:
      return "is stopped at the limit of the balance";
    case is_refused:
      return "is refused";
    case is_cut_off:
      return "is cut off in mid-pour";
  }
  return "does what nobody foresaw";
}

Story make_story(const Cast& cast, std::uint64_t seed, const Pace& pace) {
  Story story{.pace = pace, .scenes = scenes()};
  Shaker shake{seed};
  for (Scene& scene : story.scenes) {
    scene.at_least = scene.at_least * pace.times / 100;
    // A slow machine may wait as long as at full pace.
    if (scene.ending == Ending::time_is_up) scene.at_most = scene.at_least;
    for (Visit& visit : scene.visits) {
      constexpr std::int64_t unsteady = 8;
      visit.at = milliseconds{shake(visit.at.count(), unsteady) * pace.times / 100};
      const std::int64_t rates = visit.expect == is_cut_off ? 100 : pace.rates;
      visit.ml_per_s = shake(visit.ml_per_s, unsteady) * rates / 100;
      const bool wants_so_much = visit.want_ml < all_there_is && visit.expect == pours;
      if (wants_so_much) visit.want_ml = shake(visit.want_ml, unsteady) * pace.wants / 100;
      visit.card = visit.guest == stranger ? card_of_a_stranger : cast.card_of(visit.guest);
    }
  }
  return story;
}

Scene closing_time() {
  return {.title = "Closing time: the books are compared",
          .words = {"tapd is stopped. Four witnesses are compared: the physics of the taps, the",
                    "ledger on disk, PostgreSQL at the server, and what was seen while pouring."},
          .incident = Incident::none,
          .ending = Ending::time_is_up,
          .at_least = milliseconds{0},
          .at_most = milliseconds{0},
          .visits = {}};
}

}  // namespace tapd::demo
