// Staff at a tap: the valve open without a guest, within a time and a volume, and nobody charged.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "session_fixture.hpp"

namespace tapd::test {

using namespace std::chrono_literals;

namespace {

ServiceBegun work(ServiceKind kind = ServiceKind::clean) {
  return {.kind = kind, .longest = 20s, .most = model::Volume::millilitres(300)};
}

SessionFixture at_work(ServiceKind kind = ServiceKind::clean) {
  SessionFixture tap;
  tap.start();
  tap.give(work(kind));
  REQUIRE(tap.session.valve_open());
  return tap;
}

}  // namespace

TEST_CASE("what runs for staff is non-sale flow, told with its kind, and nobody's pour",
          "[service]") {
  const auto [kind, sign] = GENERATE(std::pair{ServiceKind::valve_test, FlowSign::valve_test},
                                     std::pair{ServiceKind::clean, FlowSign::cleaning},
                                     std::pair{ServiceKind::keg_change, FlowSign::keg_change},
                                     std::pair{ServiceKind::calibrate, FlowSign::calibration});
  SessionFixture tap = at_work(kind);
  tap.flow_for(1s, 10ms);  // 100 edges, a millilitre each
  tap.give(ServiceEnded{});
  CHECK(tap.did<ShutValve>());
  tap.flow(3);  // the tail is counted as well
  tap.pass(150ms);
  CHECK(tap.session.state() == TapState::idle);
  const auto* flow = tap.newest<ReportFlow>();
  REQUIRE(flow != nullptr);
  CHECK(flow->sign == sign);
  CHECK(flow->volume == model::Volume::millilitres(103));
  CHECK(flow->valve_open);
  const auto* done = tap.newest<ServiceDone>();
  REQUIRE(done != nullptr);
  CHECK(done->edges == 103);
  CHECK(done->open_for == 1s);
  CHECK(tap.newest<BeginPour>() == nullptr);
  CHECK(tap.newest<EndPour>() == nullptr);
  CHECK(tap.newest<Say>() == nullptr);  // no leak, no fault: the valve was open on purpose
}

// Found by reading: it was told at its end only, and a power cut lost it from the keg's books.
TEST_CASE("what runs for staff is told every five seconds, and whole when it is over",
          "[service]") {
  SessionFixture tap;
  tap.start();
  tap.give(ServiceBegun{
      .kind = ServiceKind::bleed, .longest = 60s, .most = model::Volume::millilitres(10'000)});
  const auto check_told = [&](EventStage stage, std::int64_t ml, std::chrono::milliseconds after) {
    const auto* flow = tap.newest<ReportFlow>();
    REQUIRE(flow != nullptr);
    CHECK(flow->sign == FlowSign::bleeding);
    CHECK(flow->stage == stage);
    CHECK(flow->volume == model::Volume::millilitres(ml));
    CHECK(flow->duration == after);
    CHECK(flow->valve_open);
  };
  tap.pass(5s);
  CHECK_FALSE(tap.did<ReportFlow>());  // nothing has run
  tap.flow(1);
  check_told(EventStage::started, 1, 5s);
  tap.flow_for(4s, 10ms);
  CHECK(tap.session.wake_at() == tap.now.since_boot + 1s);
  CHECK_FALSE(tap.did<ReportFlow>());
  tap.pass(1s);
  check_told(EventStage::updated, 401, 10s);
  tap.give(ServiceEnded{});
  tap.flow(3);
  tap.pass(150ms);
  check_told(EventStage::stopped, 404, 10s);
}

TEST_CASE("staff's time and volume are bounds that nothing extends", "[service]") {
  SECTION("time") {
    SessionFixture tap = at_work();
    CHECK(tap.session.wake_at() == tap.now.since_boot + 20s);
    tap.give(work());  // asking again changes nothing
    tap.pass(20s);
    CHECK(tap.did<ShutValve>());
  }
  SECTION("volume") {
    SessionFixture tap = at_work();
    tap.flow_for(2'990ms, 10ms);
    CHECK(tap.session.valve_open());
    tap.flow_for(10ms, 10ms);
    CHECK_FALSE(tap.session.valve_open());
  }
}

TEST_CASE("a card laid on during staff's work pours nothing then, and must be laid on anew",
          "[service]") {
  SessionFixture tap = at_work();
  tap.lay_on();
  CHECK(tap.session.valve_open());
  tap.give(ServiceEnded{});
  tap.pass(150ms);
  CHECK(tap.session.state() == TapState::finished);
  CHECK(tap.newest<AskAuthorization>() == nullptr);
  tap.take_away();
  tap.lay_on();
  CHECK(tap.session.state() == TapState::authorizing);
}

TEST_CASE("an emergency stop, a fault and a shutdown shut the valve before staff's eyes",
          "[service]") {
  const Event event =
      GENERATE(as<Event>{}, Locked{LockReason::emergency_stop, "fire"},
               Locked{LockReason::shutdown, ""}, Faulted{FaultKind::valve, "does not obey"});
  SessionFixture tap = at_work();
  tap.give(event);
  CHECK(tap.did<ShutValve>());
  CHECK_FALSE(tap.session.service_barred().empty());
  tap.pass(150ms);
  CHECK(tap.newest<ServiceDone>() != nullptr);
  tap.give(work());
  CHECK_FALSE(tap.session.valve_open());
}

TEST_CASE("staff may work at a tap that sells nothing, and a change of keg lifts its lock",
          "[service]") {
  SessionFixture tap;
  tap.start();
  tap.give(Locked{LockReason::keg_empty, "gas"});
  tap.give(Locked{LockReason::tap_status, "by the venue"});
  tap.give(work(ServiceKind::keg_change));
  REQUIRE(tap.session.valve_open());
  tap.give(ServiceEnded{});
  tap.pass(150ms);
  CHECK(tap.session.state() == TapState::locked);
  tap.give(Unlocked{LockReason::tap_status});
  CHECK(tap.session.state() == TapState::idle);
}

TEST_CASE("a calibration cannot change under a pour or under staff's work", "[service]") {
  SessionFixture tap = at_work();
  CHECK_FALSE(tap.session.recalibrate(one_ml_per_edge));
  tap.give(ServiceEnded{});
  tap.pass(150ms);
  CHECK(tap.session.recalibrate(one_ml_per_edge));
}

TEST_CASE("a tap that staff close again for another reason shows the newer one", "[service]") {
  SessionFixture tap;
  tap.start();
  tap.give(Locked{LockReason::service, "lye"});
  tap.all.clear();
  tap.give(Locked{LockReason::service, "lye"});
  CHECK_FALSE(tap.did<Say>());
  tap.give(Locked{LockReason::service, "the cooler is broken"});
  CHECK(tap.session.view().reason == "service: the cooler is broken");
  REQUIRE(tap.did<Say>());
  CHECK(tap.newest<Say>()->detail == "service: the cooler is broken");
  CHECK(tap.session.state() == TapState::locked);
  tap.give(Unlocked{LockReason::service});
  CHECK(tap.session.state() == TapState::idle);
}

}  // namespace tapd::test
