#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "storage/migrations.hpp"
#include "tests/storage/bar.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::StartsWith;

namespace {

model::FlowEvent leak(std::string status, std::int64_t millilitres) {
  model::FlowEvent event;
  event.event_id = "boot-1-leak-1";
  event.event_status = std::move(status);
  event.tap_id = model::TapId{1};
  event.volume = model::Volume::millilitres(millilitres);
  event.duration = std::chrono::seconds{3};
  event.session_state = "idle";
  event.reason = "flow_without_session";
  event.at = at(30);
  return event;
}

}  // namespace

TEST_CASE("a calibration is made when it differs, and told in the audit log", "[measuring]") {
  Bar bar;
  auto& ledger = bar.ledger();
  const model::TapId one{1};
  const model::TapId two{2};
  const auto first = ledger.calibration(one, 2'222'222, "", "config", at(1));
  REQUIRE(outcome(first) == "ok");
  CHECK(*ledger.calibration(one, 2'222'222, "", "config", at(2)) == *first);
  const auto other_tap = ledger.calibration(two, 2'222'222, "", "config", at(3));
  CHECK(*other_tap != *first);
  const auto second = ledger.calibration(one, 2'000'000, "", "anna", at(4));
  CHECK(*second != *first);
  // Back to the old value is a new decision, with a version of its own.
  const auto third = ledger.calibration(one, 2'222'222, "", "anna", at(5));
  CHECK(*third != *first);
  CHECK(*third != *second);
  bar.reopen();
  CHECK(*bar.ledger().calibration(one, 2'222'222, "", "config", at(6)) == *third);
  bar.close();
  CHECK(bar.value("SELECT group_concat(version) FROM calibrations WHERE tap_id = 1") == "1,2,3");
  CHECK(bar.value("SELECT count(*) FROM audit_log") == "4");
  CHECK(bar.value("SELECT actor || ': ' || target || ' ' || details FROM audit_log"
                  " WHERE log_seq = 3") == "anna: tap 1 nl per pulse: 2222222 -> 2000000");
}

TEST_CASE("a curve is a calibration of its own", "[measuring]") {
  Bar bar;
  const model::TapId one{1};
  const auto constant = bar.ledger().calibration(one, 180'000, "", "config", at(1));
  const auto curve = bar.ledger().calibration(one, 180'000, "20 Hz 190000 nl", "config", at(2));
  CHECK(*curve != *constant);
  CHECK(*bar.ledger().calibration(one, 180'000, "20 Hz 190000 nl", "config", at(3)) == *curve);
  CHECK(*bar.ledger().calibration(one, 180'000, "30 Hz 190000 nl", "config", at(4)) != *curve);
  bar.close();
  CHECK(bar.value("SELECT group_concat(method || ' ' || coalesce(curve, '-'), '; ')"
                  " FROM calibrations") ==
        "constant -; curve 20 Hz 190000 nl; curve 30 Hz 190000 nl");
  CHECK(bar.value("SELECT details FROM audit_log WHERE log_seq = 2") ==
        "nl per pulse: 180000 -> (20 Hz 190000 nl)");
}

TEST_CASE("what is no calibration is refused", "[measuring]") {
  Bar bar;
  const auto refused = [&bar](std::int32_t tap, std::int64_t value, const std::string& who) {
    const auto result = bar.ledger().calibration(model::TapId{tap}, value, "", who, at(1));
    return !result && result.error().kind == storage::Error::Kind::refused;
  };
  CHECK(refused(1, 0, "anna"));
  CHECK(refused(1, -5, "anna"));
  CHECK(refused(1, 1'000'000'001, "anna"));
  CHECK(refused(0, 1000, "anna"));
  CHECK(refused(1, 1000, ""));
  bar.close();
  CHECK(bar.value("SELECT count(*) FROM calibrations") == "0");
  CHECK(bar.value("SELECT count(*) FROM audit_log") == "0");
}

TEST_CASE("a flow event told twice is one row", "[measuring]") {
  Bar bar;
  for (int i = 0; i < 3; ++i) {
    CHECK(outcome(bar.ledger().record_flow_event(leak("started", 5))) == "ok");
    CHECK(outcome(bar.ledger().record_flow_event(leak("stopped", 90))) == "ok");
  }
  bar.close();
  CHECK(bar.value("SELECT count(*) FROM flow_events") == "2");
  CHECK(bar.value("SELECT event_id || reason || session_state || duration_ms || status FROM"
                  " flow_events WHERE event_status = 'stopped'") ==
        "boot-1-leak-1flow_without_sessionidle3000new");
}

TEST_CASE("of the updates that wait only the newest stays", "[measuring]") {
  Bar bar;
  REQUIRE(outcome(bar.ledger().record_flow_event(leak("started", 5))) == "ok");
  for (std::int64_t volume = 10; volume <= 2000; volume += 10) {
    REQUIRE(outcome(bar.ledger().record_flow_event(leak("updated", volume))) == "ok");
  }
  bar.close();
  CHECK(bar.value("SELECT count(*) FROM flow_events") == "2");
  CHECK(bar.value("SELECT max(volume_ml) FROM flow_events") == "2000");
  bar.open();
  REQUIRE(outcome(bar.ledger().record_flow_event(leak("stopped", 2010))) == "ok");
  bar.close();
  CHECK(bar.value("SELECT group_concat(event_status) FROM flow_events") == "started,stopped");
}

TEST_CASE("a flow event that cannot be right is refused", "[measuring]") {
  Bar bar;
  model::FlowEvent bad = leak("started", 5);
  SECTION("no id") {
    bad.event_id.clear();
  }
  SECTION("an endless id") {
    bad.event_id = std::string(129, 'x');
  }
  SECTION("an unknown status") {
    bad.event_status = "paused";
  }
  SECTION("no tap") {
    bad.tap_id = model::TapId{0};
  }
  SECTION("negative volume") {
    bad.volume = model::Volume::millilitres(-1);
  }
  SECTION("negative duration") {
    bad.duration = std::chrono::milliseconds{-1};
  }
  SECTION("an endless reason") {
    bad.reason = std::string(129, 'x');
  }
  SECTION("an endless state") {
    bad.session_state = std::string(65, 'x');
  }
  CHECK_THAT(outcome(bar.ledger().record_flow_event(bad)), StartsWith("refused"));
}

TEST_CASE("notes are kept, and the schema's version is not one of them", "[notes]") {
  Bar bar;
  CHECK_FALSE(bar.ledger().meta("installation_id")->has_value());
  CHECK(outcome(bar.ledger().set_meta("installation_id", "abc")) == "ok");
  CHECK(outcome(bar.ledger().set_meta("installation_id", "it's \"def\"; --")) == "ok");
  CHECK_THAT(outcome(bar.ledger().set_meta("schema_version", "7")), StartsWith("refused"));
  CHECK_THAT(outcome(bar.ledger().audit("", "act", "target", "", at(1))), StartsWith("refused"));
  CHECK_THAT(outcome(bar.ledger().audit("anna", "", "target", "", at(1))), StartsWith("refused"));
  bar.reopen();
  CHECK(*bar.ledger().meta("installation_id") == "it's \"def\"; --");
  CHECK(*bar.ledger().meta("schema_version") == std::to_string(storage::newest_schema()));
}

TEST_CASE("the words of one flow event are told in their order", "[measuring]") {
  Bar bar;
  REQUIRE(outcome(bar.ledger().record_flow_event(leak("started", 5))) == "ok");
  REQUIRE(outcome(bar.ledger().record_flow_event(leak("stopped", 90))) == "ok");
  using Kind = storage::FlowVerdict::Kind;
  const auto due = [&](int second) { return *bar.ledger().due_flow_events(10, at(second)); };
  const auto fail_the_first = [&] {
    const storage::FlowVerdict verdict{due(31).front().row, Kind::spend_attempt, "why"};
    REQUIRE(outcome(bar.ledger().settle_flow_event(verdict, 2, at(32), at(60))) == "ok");
  };
  fail_the_first();
  CHECK(due(59).empty());  // the end does not go before the start
  REQUIRE(due(60).size() == 2);
  CHECK(due(60).front().event.event_status == "started");
  SECTION("a start that the server never takes does not hold the end for ever") {
    const storage::FlowVerdict verdict{due(60).front().row, Kind::spend_attempt, "why"};
    REQUIRE(outcome(bar.ledger().settle_flow_event(verdict, 2, at(61), at(90))) == "ok");
    REQUIRE(due(62).size() == 1);
    CHECK(due(62).front().event.event_status == "stopped");
  }
}

TEST_CASE("flow events wait until the server has them, and attempts are counted", "[measuring]") {
  Bar bar;
  REQUIRE(outcome(bar.ledger().record_flow_event(leak("started", 5))) == "ok");
  REQUIRE(outcome(bar.ledger().record_flow_event(leak("stopped", 90))) == "ok");
  const auto due = bar.ledger().due_flow_events(10, at(31));
  REQUIRE(outcome(due) == "ok");
  REQUIRE(due->size() == 2);
  CHECK(due->front().event.event_status == "started");
  CHECK(due->front().event.volume == model::Volume::millilitres(5));
  CHECK(due->front().event.session_state == "idle");
  using Kind = storage::FlowVerdict::Kind;
  const auto settle = [&](std::int64_t row, Kind kind) {
    return outcome(bar.ledger().settle_flow_event({row, kind, "why"}, 2, at(32), at(60)));
  };
  const std::int64_t first = due->front().row;
  const std::int64_t second = due->back().row;
  CHECK(settle(first, Kind::sent) == "ok");
  CHECK(settle(first, Kind::confirmed) == "ok");
  CHECK(settle(second, Kind::spend_attempt) == "ok");
  CHECK(bar.ledger().due_flow_events(10, at(59))->empty());
  REQUIRE(bar.ledger().due_flow_events(10, at(60))->size() == 1);
  CHECK(bar.ledger().due_flow_events(10, at(60))->front().attempts == 1);
  CHECK(settle(second, Kind::spend_attempt) == "ok");
  CHECK(bar.ledger().due_flow_events(10, at(1'000))->empty());
  bar.close();
  CHECK(bar.value("SELECT group_concat(status || attempts) FROM flow_events") ==
        "confirmed0,failed2");
}

TEST_CASE("an event that a crash left open is stopped at the next start", "[measuring]") {
  Bar bar;
  REQUIRE(outcome(bar.ledger().record_flow_event(leak("started", 5))) == "ok");
  REQUIRE(outcome(bar.ledger().record_flow_event(leak("updated", 40))) == "ok");
  CHECK(*bar.ledger().stop_open_flow_events(at(50)) == 1);
  CHECK(*bar.ledger().stop_open_flow_events(at(51)) == 0);
  bar.close();
  CHECK(bar.value("SELECT event_status || volume_ml FROM flow_events ORDER BY event_seq DESC"
                  " LIMIT 1") == "stopped40");
}
