#include <set>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

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

model::FlowEvent other_leak(std::int64_t millilitres) {
  model::FlowEvent event = leak("stopped", millilitres);
  event.event_id = "boot-1-2";
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

// Found by reading: two hours of 500 were taken for the events' own fault, and nobody sent them
// again.
TEST_CASE("a flow event outlasts any time in which its endpoint is broken or missing", "[flow]") {
  const int status = GENERATE(500, 404);
  Bar bar;
  bar.venue.flow_status = status;
  bar.books.flow_events = {{leak("started", 10)}, {leak("stopped", 40)}, {other_leak(7)}};
  bar.play.run_until(50h);
  CHECK(bar.venue.flow_events.empty());
  // A server without this endpoint is not asked over and over.
  CHECK(bar.play.started(endpoint::flow_events) < 1'000);
  bar.venue.flow_status = 0;
  bar.play.run_until(52h);
  CHECK(std::set<std::string>(bar.venue.flow_events.begin(), bar.venue.flow_events.end()) ==
        std::set<std::string>{"boot-1-1 started 10", "boot-1-1 stopped 40", "boot-1-2 stopped 7"});
  CHECK(bar.venue.flow_events.size() == 3);
}

TEST_CASE("an event that is at fault for a 500 itself is parked, and keeps no other", "[flow]") {
  Bar bar;
  bar.venue.flow_poison = "boot-1-1";
  bar.books.flow_events = {{leak("stopped", 40)}};
  for (int minute = 1; minute < 50 * 60; minute += 20) {
    bar.play.at_time(std::chrono::minutes{minute},
                     [&bar] { bar.books.flow_events.push_back({other_leak(7)}); });
  }
  bar.play.run_until(50h);
  CHECK(bar.books.flow_events[0].status == PourStatus::failed);
  CHECK(bar.venue.flow_events.size() == 150);
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
