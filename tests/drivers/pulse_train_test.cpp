#include "drivers/pulse_train.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/drivers/fake_output.hpp"

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;

TEST_CASE("pulses begin at once, come at their rate, and end low with the valve", "[keep-alive]") {
  PulseTrain train{20};
  CHECK_FALSE(train.step(0ms, false));
  CHECK_FALSE(train.wake_at());
  CHECK(train.step(100ms, true));
  CHECK(train.wake_at() == 125ms);
  CHECK(train.step(124ms, true));
  CHECK_FALSE(train.step(125ms, true));
  CHECK(train.step(150ms, true));
  CHECK_FALSE(train.step(151ms, false));
  CHECK_FALSE(train.wake_at());
}

TEST_CASE("a loop that was away does not make up for the pulses that it owes", "[keep-alive]") {
  PulseTrain train{20};
  REQUIRE(train.step(0ms, true));
  int edges = 0;
  bool level = true;
  for (auto now = 5'000ms; now < 5'100ms; now += 1ms) {
    const bool next = train.step(now, true);
    edges += next != level ? 1 : 0;
    level = next;
  }
  CHECK(edges == 4);
}

TEST_CASE("the line is driven only when it changes, and its failure is told", "[keep-alive]") {
  const auto wire = std::make_shared<test::Wire>();
  KeepAlive keep_alive{std::make_unique<test::FakeOutput>(wire), 10};
  for (auto now = 0ms; now < 1'000ms; now += 5ms) REQUIRE(keep_alive.step(now, true));
  CHECK(wire->history.size() == 20);  // both edges of ten pulses
  REQUIRE(keep_alive.step(1'000ms, false));
  CHECK_FALSE(wire->on);
  wire->gone = true;
  CHECK_FALSE(keep_alive.step(1'001ms, true));
}

}  // namespace
}  // namespace tapd::drivers
