#include "tests/demo/evening.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tapd::demo;
using namespace std::chrono_literals;

namespace {

Evening an_evening() {
  Evening evening;
  evening.cast.guests = {{.id = "g-ann", .name = "Ann", .cards = {"04ab7815cd6b80"}}};
  evening.cast.taps = {{.number = 1, .beverage = "Pils", .litre_price = "8.50", .keg_ml = 1}};
  evening.tapd_up = true;
  evening.server_up = true;
  evening.status.server_reachable = true;
  evening.status.taps = {{.tap = 1, .state = "idle"}};
  return evening;
}

TapStatus a_pouring_tap() {
  return {.tap = 1,
          .state = "pouring",
          .valve_open = true,
          .guest = "Ann",
          .receipt = "R1",
          .authorized_by = "cache",
          .limit_ml = 480,
          .volume_ml = 212,
          .price_cents = 180};
}

}  // namespace

TEST_CASE("a free tap shows its last pour and where it stands", "[demo][evening]") {
  Evening evening = an_evening();
  evening.pours["a"] = {.client_tx_id = "a",
                        .receipt = "R1",
                        .tap = 1,
                        .guest_id = "g-ann",
                        .volume_ml = 302,
                        .price_cents = 257,
                        .status = "new"};
  evening.last_pour[1] = "a";
  CHECK(paint(evening).taps.at(0).note ==
        "last: Ann, 302 ml, 2.57, receipt R1; waits in the queue");
  evening.pours["a"].status = "confirmed";
  CHECK(paint(evening).taps.at(0).note == "last: Ann, 302 ml, 2.57, receipt R1; booked");
}

TEST_CASE("a tap that pours shows the glass and who allowed it", "[demo][evening]") {
  Evening evening = an_evening();
  evening.status.taps = {a_pouring_tap()};
  const Picture picture = paint(evening);
  const TapPicture& tap = picture.taps.at(0);
  CHECK(tap.has_glass);
  CHECK(tap.volume_ml == 212);
  CHECK(tap.limit_ml == 480);
  CHECK(tap.mood == Mood::good);
  CHECK(tap.state.find("known here") != std::string::npos);
  CHECK(picture.tapd.note == "1 of 1 valves open");
}

TEST_CASE("a dead tapd is shown as dead, with the pour that it was cut off in", "[demo][evening]") {
  Evening evening = an_evening();
  evening.status.taps = {a_pouring_tap()};
  evening.tapd_up = false;
  const Picture picture = paint(evening);
  CHECK(picture.tapd.state == "KILLED");
  CHECK(picture.taps.at(0).state == "CUT OFF: receipt R1");
  CHECK(picture.taps.at(0).mood == Mood::bad);
}

TEST_CASE("the server is up only as far as tapd reaches it", "[demo][evening]") {
  Evening evening = an_evening();
  CHECK(paint(evening).server.mood == Mood::good);
  evening.status.server_reachable = false;
  CHECK(paint(evening).server.mood == Mood::busy);
  evening.server_up = false;
  CHECK(paint(evening).server.state == "KILLED");
}

TEST_CASE("a refusal is shown in words", "[demo][evening]") {
  Evening evening = an_evening();
  evening.status.taps[0].state = "denied";
  evening.status.taps[0].reason = "insufficient_funds";
  CHECK(paint(evening).taps.at(0).state == "REFUSED: the balance is too small");
  evening.status.taps[0].reason = "something_new";
  CHECK(paint(evening).taps.at(0).state == "REFUSED: something_new");
}

TEST_CASE("a tap that tapd has not told of yet is shown without a state", "[demo][evening]") {
  Evening evening = an_evening();
  evening.status.taps.clear();
  CHECK(paint(evening).taps.at(0).state == "not heard of yet");
}
