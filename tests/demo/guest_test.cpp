#include "tests/demo/guest.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tapd::demo;
using namespace std::chrono_literals;

namespace {

Visit a_visit(Expectation expect = Expectation::pours) {
  return {.at = 2s,
          .guest = "Ann",
          .tap = 3,
          .want_ml = 300,
          .ml_per_s = 55,
          .expect = expect,
          .remark = "",
          .card = "04ab7815cd6b80"};
}

TapStatus tap_in(const std::string& state, std::int64_t volume_ml = 0) {
  return {.tap = 3,
          .state = state,
          .reason = "",
          .valve_open = state == "ready" || state == "pouring",
          .guest = "Ann",
          .receipt = "R",
          .limit_ml = 480,
          .volume_ml = volume_ml};
}

using Commands = std::vector<std::string>;

/// A guest who has the hand on the handle.
Guest a_pouring_guest() {
  Guest guest{a_visit(), full_pace, 10s};
  CHECK(guest.step(tap_in("idle"), true, 12s).commands.size() == 2);
  CHECK(guest.step(tap_in("ready"), true, 13s).commands.empty());
  CHECK(guest.step(tap_in("ready"), true, 14s).commands == Commands{"handle 3 55"});
  CHECK(guest.pulls());
  return guest;
}

}  // namespace

TEST_CASE("a guest comes when it is time and the tap is free", "[demo][guest]") {
  Guest guest{a_visit(), full_pace, 10s};
  CHECK(guest.step(tap_in("idle"), true, 11s).commands.empty());
  CHECK(guest.step(tap_in("idle"), false, 12s).commands.empty());
  CHECK(guest.step(tap_in("finished"), true, 12s).commands.empty());
  CHECK_FALSE(guest.is_there());
  const Doings doings = guest.step(tap_in("idle"), true, 12s);
  CHECK(doings.commands == Commands{"handle 3 0", "card 3 04ab7815cd6b80"});
  CHECK(doings.words.size() == 1);
  CHECK(guest.is_there());
}

TEST_CASE("a guest pours what is wanted, lets go, and takes the card away", "[demo][guest]") {
  Guest guest = a_pouring_guest();
  CHECK(guest.step(tap_in("pouring", 299), true, 18s).commands.empty());
  CHECK(guest.step(tap_in("pouring", 300), true, 19s).commands == Commands{"handle 3 0"});
  CHECK_FALSE(guest.is_gone());
  CHECK(guest.step(tap_in("pouring", 301), true, 19s + 100ms).commands.empty());
  CHECK(guest.step(tap_in("pouring", 301), true, 20s).commands ==
        Commands{"handle 3 0", "card 3 none"});
  CHECK(guest.is_gone());
  CHECK(guest.outcome() == Outcome::poured);
}

TEST_CASE("a guest whose balance ends lets go when the valve shuts", "[demo][guest]") {
  Guest guest = a_pouring_guest();
  TapStatus shut = tap_in("settling", 273);
  shut.reason = "limit_reached";
  CHECK(guest.step(shut, true, 18s).words.size() == 1);
  CHECK(guest.outcome() == Outcome::ran_dry);
  CHECK(guest.step(shut, true, 19s).commands == Commands{"handle 3 0", "card 3 none"});
}

TEST_CASE("a guest whose valve shuts for another reason comes again for the rest",
          "[demo][guest]") {
  Guest guest = a_pouring_guest();
  CHECK(guest.step(tap_in("pouring", 100), true, 17s).commands.empty());
  TapStatus shut = tap_in("settling", 100);
  shut.reason = "no_flow";
  CHECK(guest.step(shut, true, 18s).words.size() == 1);
  CHECK(guest.step(shut, true, 19s).commands == Commands{"handle 3 0", "card 3 none"});
  CHECK_FALSE(guest.is_gone());
  CHECK_FALSE(guest.is_there());
  CHECK(guest.step(tap_in("idle"), true, 21s).commands.size() == 2);
  CHECK(guest.step(tap_in("ready"), true, 22s).commands.empty());
  CHECK(guest.step(tap_in("ready"), true, 23s).commands == Commands{"handle 3 55"});
  CHECK(guest.step(tap_in("pouring", 200), true, 24s).commands == Commands{"handle 3 0"});
  CHECK(guest.outcome() == Outcome::poured);
}

TEST_CASE("a refused guest never pulls and leaves after a look", "[demo][guest]") {
  Guest guest{a_visit(Expectation::is_refused), full_pace, 10s};
  CHECK(guest.step(tap_in("idle"), true, 12s).commands.size() == 2);
  TapStatus denied = tap_in("denied");
  denied.reason = "lost_card";
  const Doings doings = guest.step(denied, true, 13s);
  CHECK(doings.commands.empty());
  REQUIRE(doings.words.size() == 1);
  CHECK(doings.words[0] == "tap 3: REFUSED: this card was reported lost");
  CHECK(guest.refusal() == "lost_card");
  CHECK(guest.step(denied, true, 14s).commands.empty());
  CHECK(guest.step(denied, true, 16s).commands == Commands{"handle 3 0", "card 3 none"});
  CHECK(guest.outcome() == Outcome::was_refused);
}

TEST_CASE("a tap that cannot answer has refused nobody", "[demo][guest]") {
  for (const auto& [state, reason] : {std::pair{"denied", "ledger_unavailable"},
                                      std::pair{"faulted", "reader: it stopped looking"},
                                      std::pair{"locked", "storage: the disk is slow"}}) {
    Guest guest{a_visit(Expectation::is_refused), full_pace, 10s};
    CHECK(guest.step(tap_in("idle"), true, 12s).commands.size() == 2);
    TapStatus tap = tap_in(state);
    tap.reason = reason;
    CHECK(guest.step(tap, true, 13s).words.size() == 1);
    CHECK(guest.step(tap, true, 16s).commands.back() == "card 3 none");
    CHECK_FALSE(guest.is_gone());
    CHECK(guest.refusal().empty());
  }
}

TEST_CASE("a guest neither waits nor tries for ever", "[demo][guest]") {
  Guest guest{a_visit(), full_pace, 0s};
  Instant now = 12s;
  for (int tries = 0; tries < Guest::most_tries; ++tries) {
    CHECK_FALSE(guest.is_gone());
    CHECK(guest.step(tap_in("idle"), true, now).commands.size() == 2);
    CHECK(guest.step(tap_in("authorizing"), true, now + 5s).commands.empty());
    CHECK(guest.step(tap_in("authorizing"), true, now + 6s).words.size() == 1);
    CHECK(guest.step(tap_in("authorizing"), true, now + 7s).commands.back() == "card 3 none");
    now += 10s;
  }
  CHECK(guest.is_gone());
  CHECK(guest.outcome() == Outcome::came_to_nothing);
}

TEST_CASE("who pours when tapd dies is cut off; who was on the way still comes", "[demo][guest]") {
  Guest pouring = a_pouring_guest();
  CHECK(pouring.tapd_died(20s).commands.empty());
  CHECK(pouring.is_gone());
  CHECK(pouring.outcome() == Outcome::was_cut_off);

  Guest on_the_way{a_visit(), full_pace, 10s};
  CHECK(on_the_way.tapd_died(11s).words.empty());
  CHECK_FALSE(on_the_way.is_gone());
  CHECK(on_the_way.step(tap_in("idle"), true, 13s).commands.size() == 2);
}

TEST_CASE("who had poured before tapd died is not cut off", "[demo][guest]") {
  Guest guest = a_pouring_guest();
  CHECK(guest.step(tap_in("pouring", 300), true, 19s).commands == Commands{"handle 3 0"});
  CHECK(guest.tapd_died(19s).commands.empty());
  CHECK(guest.outcome() == Outcome::poured);
}

TEST_CASE("each expectation fits one outcome only", "[demo][guest]") {
  int fitting = 0;
  for (const auto expect : {Expectation::pours, Expectation::runs_dry, Expectation::is_refused,
                            Expectation::is_cut_off}) {
    for (const auto outcome : {Outcome::poured, Outcome::ran_dry, Outcome::was_refused,
                               Outcome::was_cut_off, Outcome::came_to_nothing}) {
      if (fits(expect, outcome)) ++fitting;
    }
  }
  CHECK(fitting == 4);
  CHECK_FALSE(fits(Expectation::is_refused, Outcome::poured));
}
