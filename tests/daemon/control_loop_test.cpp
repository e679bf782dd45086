// The loop on the kernel's own descriptors and clock, with drivers and ledger played by the test.
#include <stdexcept>

#include <catch2/catch_test_macros.hpp>

#include "controller_fixture.hpp"
#include "daemon/control_loop.hpp"
#include "drivers/clock.hpp"

namespace tapd::test {

// Found by reading: threads were joined and the ledger closed first, with the valve open.
TEST_CASE("an exception leaves no valve open behind it", "[control_loop]") {
  ControllerFixture tap;
  ControlInbox inbox;
  const drivers::SystemClock clock;
  ControlLoop loop{tap.controller, inbox, clock, tap.journal};
  bool was_open = false;
  REQUIRE(inbox.put(Order{[&](Controller&, const model::Moment& now) {
    tap.now = now;
    tap.to_ready();
    was_open = tap.valve.is_open;
  }}));
  REQUIRE(inbox.put(Order{
      [](Controller&, const model::Moment&) { throw std::runtime_error{"nobody foresaw this"}; }}));
  CHECK_THROWS_AS(loop.run(), std::runtime_error);
  CHECK(was_open);
  CHECK_FALSE(tap.valve.is_open);
}

}  // namespace tapd::test
