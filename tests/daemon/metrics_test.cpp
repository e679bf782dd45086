// What Prometheus is told: counts that follow the journal's lines, and the state when it looks.
#include <fstream>
#include <iterator>
#include <regex>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "controller_fixture.hpp"
#include "daemon/journal_lines.hpp"
#include "daemon/metrics.hpp"
#include "kept_journal.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Counted {
  KeptJournal journal;
  std::chrono::nanoseconds now{1s};
  Metrics metrics{journal, [this] { return now; }};

  void say(Message message, JournalFields fields) {
    fields.tap = model::TapId{1};
    metrics.line(message, Level::info, "words", std::move(fields));
  }
  std::string text() { return metrics.text({}); }
};

JournalFields pour(std::int64_t ml, std::int64_t cents, const char* reason) {
  JournalFields fields;
  fields.volume = model::Volume::millilitres(ml);
  fields.price = model::Money{cents};
  fields.reason = reason;
  return fields;
}

JournalFields because(const char* reason) {
  JournalFields fields;
  fields.reason = reason;
  return fields;
}

}  // namespace

TEST_CASE("pours and denials are counted by tap and outcome, with volume and money", "[metrics]") {
  Counted counted;
  counted.say(Message::pour_ended, pour(300, 240, "card_removed"));
  counted.say(Message::pour_ended, pour(200, 160, "card_removed"));
  counted.say(Message::card_denied, because("lost_card"));
  const std::string text = counted.text();
  CHECK_THAT(text, ContainsSubstring("tapd_sessions_total{outcome=\"card_removed\",tap=\"1\"} 2"));
  CHECK_THAT(text,
             ContainsSubstring("tapd_sessions_total{outcome=\"denied_lost_card\",tap=\"1\"} 1"));
  CHECK_THAT(text, ContainsSubstring("tapd_poured_millilitres_total{tap=\"1\"} 500"));
  CHECK_THAT(text, ContainsSubstring("tapd_charged_cents_total{tap=\"1\"} 400"));
  CHECK(counted.journal.lines.size() == 3);  // every line went on
}

TEST_CASE("each tap's counts are there before anything is counted, so that the first is a rise",
          "[metrics]") {
  Counted counted;
  MetricsNow now;
  now.taps = {{.id = model::TapId{1}, .state = "idle"}, {.id = model::TapId{2}, .state = "idle"}};
  const std::string text = counted.metrics.text(now);
  for (const char* name :
       {"tapd_edges_lost_total", "tapd_poured_millilitres_total", "tapd_charged_cents_total"}) {
    for (const char* tap : {"{tap=\"1\"} 0", "{tap=\"2\"} 0"}) {
      CHECK_THAT(text, ContainsSubstring(std::string{name} + tap));
    }
  }
  counted.say(Message::pour_ended, pour(300, 240, "card_removed"));
  CHECK_THAT(counted.metrics.text(now),
             ContainsSubstring("tapd_charged_cents_total{tap=\"1\"} 240"));
}

TEST_CASE("the time from the card to the valve, and from the limit to the shut, are measured",
          "[metrics]") {
  Counted counted;
  counted.say(Message::card_seen, {});
  counted.now += 4ms;
  counted.say(Message::valve_opened, {});
  counted.say(Message::valve_opened, {});  // without a card before it: not measured
  JournalFields ended = pour(300, 240, "limit_reached");
  ended.shut_after = 300us;
  counted.say(Message::pour_ended, ended);
  const std::string text = counted.text();
  CHECK_THAT(text, ContainsSubstring("tapd_card_to_valve_seconds_count 1"));
  CHECK_THAT(text, ContainsSubstring("tapd_card_to_valve_seconds_bucket{le=\"0.005\"} 1"));
  CHECK_THAT(text, ContainsSubstring("tapd_card_to_valve_seconds_bucket{le=\"0.002\"} 0"));
  CHECK_THAT(text, ContainsSubstring("tapd_limit_to_shut_seconds_count 1"));
}

TEST_CASE("a tap is in one state, whatever it was in at the last look", "[metrics]") {
  Counted counted;
  MetricsNow now;
  now.taps = {{.id = model::TapId{1}, .state = "idle"}};
  CHECK_THAT(counted.metrics.text(now),
             ContainsSubstring("tapd_tap_state{state=\"idle\",tap=\"1\"} 1"));
  now.taps[0].state = "pouring";
  const std::string text = counted.metrics.text(now);
  CHECK_THAT(text, ContainsSubstring("tapd_tap_state{state=\"pouring\",tap=\"1\"} 1"));
  CHECK_THAT(text, ContainsSubstring("tapd_tap_state{state=\"idle\",tap=\"1\"} 0"));
}

TEST_CASE("what is owed and at stake is told with the age of its oldest row", "[metrics]") {
  Counted counted;
  MetricsNow now;
  now.queue.waiting = 3;
  now.queue.owed = model::Money{1'234};
  now.exposure = model::Money{5'000};
  now.oldest_age = 90s;
  const std::string text = counted.metrics.text(now);
  CHECK_THAT(text, ContainsSubstring("tapd_queue_rows{status=\"waiting\"} 3"));
  CHECK_THAT(text, ContainsSubstring("tapd_owed_cents 1234"));
  CHECK_THAT(text, ContainsSubstring("tapd_exposure_cents 5000"));
  CHECK_THAT(text, ContainsSubstring("tapd_oldest_row_seconds 90"));
}

TEST_CASE("a ledger that cannot be written is told until it can, with the room that is left",
          "[metrics]") {
  Counted counted;
  MetricsNow now;
  now.taps = {{.id = model::TapId{1}, .state = "locked", .locked_by_storage = true}};
  now.disk_bytes_free = 4'096;
  CHECK_THAT(counted.metrics.text(now),
             ContainsSubstring("tapd_ledger_writable 1") &&
                 ContainsSubstring("tapd_disk_free_bytes 4096") &&
                 ContainsSubstring("tapd_tap_locked_by_storage{tap=\"1\"} 1") &&
                 // Or its first event is no rise.
                 ContainsSubstring("tapd_journal_lines_total{message=\"ledger_trouble\"} 0"));
  counted.metrics.committed(3ms, false);
  counted.metrics.committed(3ms, std::nullopt);  // only read
  now.taps[0] = {.id = model::TapId{1}, .state = "idle"};
  CHECK_THAT(counted.metrics.text(now),
             ContainsSubstring("tapd_ledger_writable 0") &&
                 ContainsSubstring("tapd_tap_locked_by_storage{tap=\"1\"} 0"));
  CHECK_FALSE(counted.metrics.ledger_writable());
  counted.metrics.committed(3ms, true);
  CHECK_THAT(counted.metrics.text(now), ContainsSubstring("tapd_ledger_writable 1"));
  CHECK(disk_bytes_free("/") > 0);
  CHECK(disk_bytes_free("/nowhere") == 0);
}

TEST_CASE("a tap that its disk locks counts as such, whatever else bars it", "[metrics]") {
  ControllerFixture tap;
  tap.to_ready();
  tap.flow(300);
  CHECK_FALSE(metrics_of(tap.controller).taps.at(0).locked_by_storage);
  tap.controller.on_storage(ProgressRowDone{.tap = model::TapId{1},
                                            .result = tl::unexpected(storage::Error{
                                                storage::Error::Kind::io, "disk I/O error"})},
                            tap.now);
  World world;
  world.emergency_stop = true;
  tap.controller.on_storage(WorldRead{.result = world}, tap.now);
  CHECK(metrics_of(tap.controller).taps.at(0).locked_by_storage);
  tap.pass(10s);
  CHECK(tap.controller.session(0).view().reason.starts_with("emergency_stop"));
  CHECK(metrics_of(tap.controller).taps.at(0).locked_by_storage);
}

// Found by reading: on a server without snapshots nobody asks the ledger again after the stop.
TEST_CASE("an emergency stop is told as the server told it last, whatever the ledger holds",
          "[metrics]") {
  ControllerFixture tap;
  const auto told = [&tap] { return metrics_of(tap.controller).emergency_stop; };
  CHECK_FALSE(told());
  tap.controller.on_sync(sync::EmergencyStop{true}, tap.now);
  CHECK(tap.state() == TapState::locked);
  CHECK(told());
  World older;
  SECTION("a look at the ledger in between found it, too") {
    older.emergency_stop = true;
  }
  SECTION("a look at the ledger in between did not find it") {}
  tap.controller.on_storage(WorldRead{.result = older}, tap.now);
  CHECK(told());
  tap.controller.on_sync(sync::EmergencyStop{false}, tap.now);
  CHECK(tap.state() == TapState::idle);
  CHECK_FALSE(told());
}

TEST_CASE("the way to the server is timed: each pour's, and each request's", "[metrics]") {
  Counted counted;
  counted.metrics.write(line_for(sync::PoursConfirmed{3, {80ms, 40min}}));
  counted.metrics.requested("pours", true, 30ms);
  counted.metrics.requested("pours", true, 300ms);
  counted.metrics.requested("snapshot", false, 10s);
  const std::string text = counted.text();
  CHECK_THAT(text, ContainsSubstring("tapd_sync_latency_seconds_count 2"));
  CHECK_THAT(text, ContainsSubstring("tapd_sync_latency_seconds_bucket{le=\"0.05\"} 0"));
  CHECK_THAT(text, ContainsSubstring("tapd_sync_latency_seconds_bucket{le=\"0.1\"} 1"));
  CHECK_THAT(text, ContainsSubstring("tapd_sync_latency_seconds_bucket{le=\"1800\"} 1"));
  CHECK_THAT(text, ContainsSubstring("tapd_sync_latency_seconds_bucket{le=\"7200\"} 2"));
  const std::string pours = "{answered=\"yes\",endpoint=\"pours\"";
  CHECK_THAT(text, ContainsSubstring("tapd_request_seconds_count" + pours + "} 2"));
  CHECK_THAT(text, ContainsSubstring("tapd_request_seconds_bucket" + pours + ",le=\"0.05\"} 1"));
  CHECK_THAT(text, ContainsSubstring(
                       "tapd_request_seconds_count{answered=\"no\",endpoint=\"snapshot\"} 1"));
}

TEST_CASE("the kernel's count of written bytes is read, and its absence is zero", "[metrics]") {
  CHECK(disk_bytes_written("/nowhere/") == 0);
  CHECK(disk_bytes_written() >= 0);
}

TEST_CASE("dashboard and alert rules ask for nothing that tapd does not tell", "[metrics]") {
  Counted counted;
  counted.say(Message::pour_ended, pour(300, 240, "card_removed"));
  counted.say(Message::service_act, pour(300, 0, "clean"));
  counted.metrics.requested("pours", true, 30ms);
  MetricsNow now;
  now.taps = {{.id = model::TapId{1}, .state = "idle"}};
  now.readers = {drivers::ReaderHealth{}};
  const std::string text = counted.metrics.text(now);
  const std::regex name{"tapd_[a-z_]+"};
  for (const char* file : {"dashboard.json", "alerts.yml"}) {
    std::ifstream in{std::string{TAPD_MONITORING} + "/" + file};
    const std::string rules{std::istreambuf_iterator<char>{in}, {}};
    std::size_t asked = 0;
    for (std::sregex_iterator at{rules.begin(), rules.end(), name}, end; at != end; ++at, ++asked) {
      std::string metric = at->str();
      for (const std::string_view part : {"_bucket", "_count"}) {
        if (metric.ends_with(part)) metric.resize(metric.size() - part.size());
      }
      INFO(file << ": " << metric);
      CHECK_THAT(text, ContainsSubstring("# TYPE " + metric + " "));
    }
    CHECK(asked > 5);
  }
}

}  // namespace tapd::test
