// What flows without a guest, on its way through the controller into the ledger.
#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "controller_fixture.hpp"

namespace tapd::test {

using namespace std::chrono_literals;

// Found by the simulator: after a kill the count began anew in the same boot, and the venue took
// the next leak for the one that it had heard of.
TEST_CASE("a flow event's id is not used again by the next run in the same boot", "[flow_events]") {
  const auto id_of_a_leak = [](std::chrono::seconds later) {
    ControllerFixture tap;
    tap.pass(later);
    tap.flow(100);
    return tap.newest<WriteFlowEvent>().event.event_id;
  };
  CHECK(id_of_a_leak(0s) != id_of_a_leak(60s));
}

TEST_CASE("a leak keeps its id from its start to its end, and the next one has another",
          "[flow_events]") {
  ControllerFixture tap;
  const auto told = [&](const char* status) {
    CHECK(tap.newest<WriteFlowEvent>().event.event_status == status);
    return tap.newest<WriteFlowEvent>().event.event_id;
  };
  tap.flow(20);
  const std::string id = told("started");
  tap.pass(9s);
  tap.flow(7);
  tap.pass(10s);
  CHECK(told("stopped") == id);
  CHECK(tap.newest<WriteFlowEvent>().event.volume == model::Volume::millilitres(27));
  tap.flow(20);
  CHECK(told("started") != id);
}

TEST_CASE("staff's work that takes long keeps its id from its start to its end", "[flow_events]") {
  ControllerFixture tap;
  const model::TapId id{1};
  const auto most = model::Volume::millilitres(5'000);
  REQUIRE(tap.controller.begin_service(
      id, {.kind = ServiceKind::bleed, .longest = 60s, .most = most}, tap.now));
  tap.pass(6s);
  tap.flow(7);
  const auto begun = tap.newest<WriteFlowEvent>().event;
  CHECK(begun.event_status == "started");
  tap.controller.end_service(id, tap.now);
  tap.pass(1s);
  const auto over = tap.newest<WriteFlowEvent>().event;
  CHECK(over.event_status == "stopped");
  CHECK(over.event_id == begun.event_id);
}

// Found by reading: an event that could not be written was dropped, and the incident stayed open at
// the venue until the next start.
TEST_CASE("a flow event that could not be written is written again until it is", "[flow_events]") {
  ControllerFixture tap;
  const auto written = [&] {
    return std::count_if(tap.asked.begin(), tap.asked.end(), [](const StorageRequest& request) {
      return std::holds_alternative<WriteFlowEvent>(request);
    });
  };
  const auto answer = [&](bool good) {
    const model::FlowEvent event = tap.newest<WriteFlowEvent>().event;
    FlowEventDone done{.event = event, .result = {}};
    if (!good) done.result = tl::unexpected(storage::Error{storage::Error::Kind::full, "full"});
    tap.controller.on_storage(done, tap.now);
  };
  tap.flow(20);
  REQUIRE(written() == 1);
  answer(false);
  tap.pass(2s);
  REQUIRE(written() == 2);
  answer(false);
  // The end says all that the beginning did.
  tap.pass(10s);
  const model::FlowEvent end = tap.newest<WriteFlowEvent>().event;
  CHECK(end.event_status == "stopped");
  answer(true);
  const auto before = written();
  tap.pass(10s);
  CHECK(written() == before);
}

}  // namespace tapd::test
