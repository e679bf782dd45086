#include "drivers/line_valve.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/drivers/fake_output.hpp"

namespace tapd::drivers {
namespace {

using Catch::Matchers::ContainsSubstring;

struct Fixture {
  std::shared_ptr<test::Wire> wire = std::make_shared<test::Wire>();
  [[nodiscard]] std::unique_ptr<LineValve> valve() const {
    return std::make_unique<LineValve>(std::make_unique<test::FakeOutput>(wire));
  }
};

TEST_CASE("a valve is shut when it is made and when it goes", "[valve]") {
  Fixture tap;
  tap.wire->on = true;  // as an earlier owner left it
  auto valve = tap.valve();
  CHECK_FALSE(tap.wire->on);
  REQUIRE(valve->open());
  CHECK(tap.wire->on);
  valve.reset();
  CHECK_FALSE(tap.wire->on);
}

TEST_CASE("a pin that reads open although it is driven shut is told by the first command",
          "[valve]") {
  Fixture tap;
  tap.wire->stuck_on = true;
  const auto valve = tap.valve();
  CHECK(tap.wire->history == std::vector<bool>{false});
  CHECK_THAT(valve->shut().error(),
             ContainsSubstring("GPIO22 of a test: driven shut but the pin reads open"));
}

TEST_CASE("a pin that does not follow to open is driven shut again and told", "[valve]") {
  Fixture tap;
  const auto valve = tap.valve();
  tap.wire->stuck_off = true;
  const auto opened = valve->open();
  REQUIRE_FALSE(opened);
  CHECK_THAT(opened.error(), ContainsSubstring("driven open but the pin reads shut"));
  CHECK_FALSE(tap.wire->on);
}

TEST_CASE("a valve that does not shut is told", "[valve]") {
  Fixture tap;
  const auto valve = tap.valve();
  REQUIRE(valve->open());
  tap.wire->stuck_on = true;
  const auto shut = valve->shut();
  REQUIRE_FALSE(shut);
  CHECK_THAT(shut.error(), ContainsSubstring("driven shut but the pin reads open"));
}

TEST_CASE("a chip that has gone is told, on opening with both failures", "[valve]") {
  Fixture tap;
  const auto valve = tap.valve();
  tap.wire->gone = true;
  CHECK_THAT(valve->open().error(), ContainsSubstring("No such device; then"));
  CHECK_THAT(valve->shut().error(), ContainsSubstring("No such device"));
}

TEST_CASE("a line that is back is taken anew, shut and read back", "[valve]") {
  Fixture tap;
  const auto valve = tap.valve();
  REQUIRE(valve->open());
  tap.wire->gone = true;
  CHECK_THAT(valve->retake().error(), ContainsSubstring("No such device"));
  tap.wire->gone = false;
  tap.wire->stuck_on = true;
  CHECK_THAT(valve->retake().error(), ContainsSubstring("driven shut but the pin reads open"));
  tap.wire->stuck_on = false;
  tap.wire->on = true;  // as somebody else left it meanwhile
  REQUIRE(valve->retake());
  CHECK_FALSE(tap.wire->on);
  REQUIRE(valve->open());
  CHECK(tap.wire->on);
}

}  // namespace
}  // namespace tapd::drivers
