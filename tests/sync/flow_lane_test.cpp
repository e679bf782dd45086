#include <catch2/catch_test_macros.hpp>

#include "tests/sync/engine_bar.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;
using model::PourStatus;

model::FlowEvent leak(const std::string& status, std::int64_t millilitres) {
  model::FlowEvent event;
  event.event_id = "boot-1-1";
  event.event_status = status;
  event.tap_id = model::TapId{1};
  event.volume = model::Volume::millilitres(millilitres);
  event.session_state = "idle";
  event.reason = "flow_with_valve_closed";
  return event;
}

TEST_CASE("flow events reach the server in their order, and none without volume", "[flow]") {
  Bar bar;
  bar.books.flow_events = {{leak("started", 0)}, {leak("stopped", 40)}};
  bar.play.run_until(30s);
  CHECK(bar.venue.flow_events ==
        std::vector<std::string>{"boot-1-1 started 1", "boot-1-1 stopped 40"});
  CHECK(bar.books.flow_events[1].status == PourStatus::confirmed);
}

TEST_CASE("no flow event is sent before the pours that wait", "[flow]") {
  Bar bar;
  bar.books.flow_events = {{leak("stopped", 40)}};
  for (std::uint64_t row = 0; row < 300; ++row) bar.books.add(pour(row, 1 + row % 10));
  while (bar.venue.flow_events.empty() && bar.play.now() < 1min) {
    bar.play.run_until(bar.play.now() + 1ms);
  }
  CHECK(bar.venue.flow_events.size() == 1);
  CHECK(bar.confirmed() == 300);
}

TEST_CASE("an outage costs a flow event no attempt", "[flow]") {
  Bar bar;
  bar.books.flow_events = {{leak("stopped", 40)}};
  bar.play.outages = {{0s, 20min, Outage::Kind::no_link},
                      {20min, 40min, Outage::Kind::unavailable},
                      {40min, 1h, Outage::Kind::token}};
  bar.play.run_until(1h);
  CHECK(bar.books.flow_events[0].attempts == 0);
  bar.play.run_until(2h);
  CHECK(bar.books.flow_events[0].status == PourStatus::confirmed);
  CHECK(bar.books.flow_events[0].attempts == 0);
}

TEST_CASE("an event that the server refuses is parked at the cap and kept", "[flow]") {
  Bar bar;
  bar.books.flow_events = {{leak("stopped", 40)}};
  bar.play.outages = {
      {0s, 100h, Outage::Kind::fixed, HttpResponse{422, {}, R"({"detail": "no such tap"})"}}};
  bar.play.run_until(50h);
  CHECK(bar.books.flow_events[0].status == PourStatus::failed);
  CHECK(bar.books.flow_events[0].attempts == options().attempt_cap);
}

}  // namespace
}  // namespace tapd::sync
