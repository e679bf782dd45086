// A staff card at a real tapd with a simulated tap and no server at all: the service menu by
// touches alone.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "lone_tapd.hpp"
#include "tests/support/deadline.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* staff = "04c0ffee";

void give_staff_card(LoneTapd& bar) {
  bar.write(std::string{"[policy]\nservice_cards = [\""} + staff + "\"]\n" + LoneTapd::tap_line);
  bar.restart();
}

void wait_for(const LoneTapd& bar, const std::string& state, const std::string& reason) {
  const Deadline deadline{20s};
  for (;;) {
    const auto tap = bar.tap();
    if (tap.at("state") == state && tap.at("reason") == reason) return;
    INFO(tap.dump());
    REQUIRE(deadline.pause(20ms));
  }
}

void lay_on(const LoneTapd& bar, const char* card) {
  bar.sim(std::string{"card 1 "} + card);
}

/// Off for long enough that the next touch is one.
void take_away(const LoneTapd& bar) {
  bar.sim("card 1 none");
  const Deadline away{800ms};
  while (away.pause(50ms)) {
  }
}

}  // namespace

TEST_CASE("staff bleed a tap with a card, no network and no screen, and a guest pours after",
          "[system][service_menu]") {
  LoneTapd bar;
  give_staff_card(bar);
  bar.sim("handle 1 100");
  lay_on(bar, staff);
  wait_for(bar, "service_menu", "lift_limits");
  take_away(bar);
  lay_on(bar, staff);
  wait_for(bar, "service_menu", "bleed");
  wait_for(bar, "servicing", "bleed");  // held
  CHECK(bar.tap().at("valve_open") == true);
  take_away(bar);
  CHECK(bar.tap().at("valve_open") == true);
  lay_on(bar, staff);  // stops
  const Deadline deadline{10s};
  while (!bar.tap().contains("last_service")) REQUIRE(deadline.pause(20ms));
  const auto done = bar.tap().at("last_service");
  CHECK(done.at("kind") == "bleed");
  CHECK(done.at("volume_ul").get<std::int64_t>() > 10'000);
  CHECK(bar.get("/pours").at("pours").empty());
  take_away(bar);
  wait_for(bar, "idle", "");
  lay_on(bar, "04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
}

TEST_CASE("a staff card cannot work at a tap where a guest pours", "[system][service_menu]") {
  LoneTapd bar;
  give_staff_card(bar);
  bar.sim("handle 1 50");
  lay_on(bar, "04a1b2c3");
  REQUIRE(bar.says("valve open for card ..b2c3"));
  lay_on(bar, staff);
  REQUIRE(bar.says("ended by card_removed"));
  wait_for(bar, "service_menu", "lift_limits");
  CHECK(bar.tap().at("valve_open") == false);
}

}  // namespace tapd::test
