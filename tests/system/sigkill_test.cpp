// SIGKILL of the real process, in each state and at random moments of a pour: nothing that was
// begun is lost, nothing is charged twice, and what flowed is charged to within the progress bound.
#include <csignal>
#include <random>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include "tests/support/deadline.hpp"
#include "venue_processes.hpp"

namespace tapd::test {

using namespace std::chrono_literals;

namespace {

/// One second of flow or 50 ml, whichever comes first (architecture, failure table), and the edges
/// that the turbine does not make at the valve's ramps.
constexpr std::int64_t progress_bound_ul = 50'000;
constexpr std::int64_t ramps_ul = 4'000;

std::int64_t passed_ul(const VenueProcesses& venue) {
  std::int64_t passed = 0;
  for (const auto& tap : venue.truth()) passed += tap.passed_ul;
  return passed;
}

/// Kills, starts again, and compares every book with every other.
void kill_and_compare(VenueProcesses& venue, int kills) {
  venue.kill_tapd();
  venue.start_tapd();
  for (int tap = 1; tap <= 4; ++tap) venue.sim(fmt::format("card {} none", tap));
  venue.wait_until_confirmed();
  const Books books = venue.books();
  CHECK(books.pours_at_server == books.distinct_at_server);
  CHECK(books.charged_at_server == books.charged_here);
  const std::int64_t missing = passed_ul(venue) - books.volume_at_server_ml * 1000;
  CHECK(missing <= kills * progress_bound_ul + books.pours_here * ramps_ul);
  CHECK(missing >= -books.pours_here * 1'000);
}

}  // namespace

TEST_CASE("SIGKILL in any state loses nothing and charges nothing twice", "[system][kill]") {
  VenueProcesses venue{{.server_extra = "authorize_deadline_ms = 2000",
                        .tap_extra = "tail_quiet_ms = 1500\nlongest_tail_ms = 3000",
                        .with_server = true,
                        .server_url = {}}};
  venue.start_tapd();
  venue.wait_until_online();
  int kills = 0;
  const auto kill_in = [&](const std::string& state, const std::function<void()>& get_there) {
    INFO("killed while " << state);
    venue.wait_for_state(1, "idle");
    get_there();
    venue.wait_for_state(1, state);
    kill_and_compare(venue, ++kills);
    venue.wait_until_online();
  };
  const auto lay_on = [&](const char* card) { venue.sim(fmt::format("card 1 {}", card)); };
  const auto pour_some = [&] {
    lay_on(eva);
    REQUIRE(
        VenueProcesses::eventually([&] { return venue.tap(1).value("volume_ml", 0) >= 60; }, 30s));
  };
  kill_in("idle", [] {});
  kill_in("denied", [&] { lay_on(lea); });
  kill_in("ready", [&] {
    venue.sim("handle 1 0");
    lay_on(eva);
  });
  kill_in("pouring", pour_some);
  kill_in("settling", [&] {
    pour_some();
    venue.sim("card 1 none");
  });
  kill_in("finished", [&] { lay_on(dan); });
  kill_in("authorizing", [&] {
    venue.server().signal(SIGSTOP);
    lay_on(eva);
    venue.wait_for_state(1, "authorizing");
    venue.server().signal(SIGCONT);
  });
}

TEST_CASE("SIGKILL at random moments of a pour loses nothing and charges nothing twice",
          "[system][kill]") {
  VenueProcesses venue;
  venue.start_tapd();
  venue.wait_until_online();
  const unsigned seed = 20'261'121;
  std::mt19937 random{seed};
  INFO("seed " << seed);
  for (int kills = 1; kills <= 12; ++kills) {
    venue.sim(fmt::format("card {} {}", 1 + random() % 4, eva));
    // The first moments are the ones where the row is being written.
    const auto moment = std::chrono::milliseconds{random() % (kills % 2 == 0 ? 120 : 900)};
    const Deadline deadline{moment};
    while (deadline.pause(1ms)) {
    }
    kill_and_compare(venue, kills);
  }
}

}  // namespace tapd::test
