// SIGKILL of the real process, in each state and at random moments of a pour: nothing that was
// begun is lost, nothing is charged twice, and what flowed is charged to within the progress bound.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

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

/// A number that ./dev crash hands over; `usual` without it.
std::uint64_t from_environment(const char* name, std::uint64_t usual) {
  const char* text = std::getenv(name);
  return text == nullptr ? usual : std::stoull(text);
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
  // A venue of its own for each night, so that nobody runs out of money.
  constexpr std::uint64_t kills_a_night = 40;
  constexpr std::int64_t money_at_first = 12'500;  // Of Ann and Eva.
  const std::uint64_t wanted = from_environment("TAPD_KILLS", 40);
  const std::uint64_t seed = from_environment("TAPD_SEED", 20'261'121);
  std::uint64_t done = 0;
  for (std::uint64_t night = 0; done < wanted; ++night) {
    INFO("seed " << seed << ", night " << night << " (TAPD_SEED, TAPD_KILLS)");
    VenueProcesses venue;
    venue.start_tapd();
    venue.wait_until_online();
    std::mt19937_64 random{seed + night};
    for (int kills = 1; done < wanted && kills <= static_cast<int>(kills_a_night); ++kills) {
      INFO("kill " << kills);
      venue.sim(fmt::format("card {} {}", 1 + random() % 4, random() % 4 == 0 ? ann : eva));
      // The first moments are the ones where the row is being written.
      const auto moment = std::chrono::milliseconds{random() % (kills % 2 == 0 ? 120 : 900)};
      const Deadline deadline{moment};
      while (deadline.pause(1ms)) {
      }
      kill_and_compare(venue, kills);
      ++done;
      if (wanted > kills_a_night) fmt::print(stderr, "\r  {} of {} kills", done, wanted);
    }
    const std::int64_t left = venue.number_from_server(
        "SELECT round(sum(balance) * 100)::bigint FROM guests WHERE first_name IN ('Ann', 'Eva')");
    CHECK(money_at_first - left == venue.books().charged_here);
  }
}

}  // namespace tapd::test
