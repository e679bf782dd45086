#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <nlohmann/json.hpp>

#include "tests/central/bar_fixture.hpp"

using namespace tapd::central;
using nlohmann::json;

namespace {

json flow_event(const char* status, int volume_ml) {
  return {{"event_id", "pi-1/boot/7"}, {"event_status", status},  {"tap_id", 1},
          {"volume_ml", volume_ml},    {"duration_ms", 100},      {"card_present", false},
          {"valve_open", false},       {"session_state", "idle"}, {"reason", "leak"},
          {"card_uid", nullptr}};
}

std::int64_t keg_volume(Bar& bar) {
  return bar.database()
      .run("SELECT current_volume_ml FROM kegs JOIN taps USING (keg_id) WHERE tap_id = 1")
      .integer(0, 0);
}

}  // namespace

TEST_CASE("a controller registers, and registers again", "[telemetry]") {
  Bar bar;
  const json me{{"controller_id", "pi-1"}, {"ip_address", "::1"}, {"firmware_version", "0.1.0"}};
  const Answer first = bar.client().post("/api/controllers/register", me);
  REQUIRE(first.status == 200);
  const Answer second = bar.client().post("/api/controllers/register", me);
  CHECK(second.body["created_at"] == first.body["created_at"]);
  CHECK(bar.database().run("SELECT last_seen > created_at FROM controllers").boolean(0, 0));
  CHECK(first.headers.at("Date").ends_with(" GMT"));
  json too_long = me;
  too_long["firmware_version"] = std::string(21, '1');
  CHECK(bar.client().post("/api/controllers/register", too_long).status == 422);
}

TEST_CASE("the system status needs no token and follows the emergency stop", "[telemetry]") {
  Bar bar;
  Client stranger{bar.server().port(), ""};
  CHECK(stranger.get("/api/system/status").body["emergency_stop"] == false);
  bar.client().post("/test/emergency-stop", json{{"enabled", true}});
  const Answer stopped = stranger.get("/api/system/status");
  CHECK(stopped.body["emergency_stop"] == true);
  CHECK(stopped.body["value"] == "true");
  CHECK(stopped.body["taps"].size() == 4);
}

TEST_CASE("a flow event depletes the keg once, however often it is sent", "[telemetry]") {
  Bar bar;
  const char* path = "/api/controllers/flow-events";
  CHECK(bar.client().post(path, flow_event("started", 10)).status == 200);
  CHECK(keg_volume(bar) == 41200 - 10);
  bar.client().post(path, flow_event("started", 10));
  CHECK(keg_volume(bar) == 41200 - 10);
  bar.client().post(path, flow_event("stopped", 35));
  CHECK(keg_volume(bar) == 41200 - 35);
  const Answer late = bar.client().post(path, flow_event("updated", 20));
  CHECK(late.body["event_status"] == "stopped");
  CHECK(late.body["volume_ml"] == 35);
  CHECK(keg_volume(bar) == 41200 - 35);
}

TEST_CASE("flow within a sale is telemetry only", "[telemetry]") {
  Bar bar;
  json event = flow_event("started", 10);
  event["session_state"] = "authorized_session";
  CHECK(bar.client().post("/api/controllers/flow-events", event).status == 200);
  CHECK(keg_volume(bar) == 41200);
}

TEST_CASE("flow on a tap that the venue does not know is kept", "[telemetry]") {
  Bar bar;
  json event = flow_event("started", 10);
  event["tap_id"] = 9;
  CHECK(bar.client().post("/api/controllers/flow-events", event).status == 200);
  CHECK(bar.database().run("SELECT count(*) FROM flow_events").integer(0, 0) == 1);
}

TEST_CASE("a flow event with a wrong field answers 422", "[telemetry]") {
  Bar bar;
  json event = flow_event("started", 10);
  SECTION("status") {
    event["event_status"] = "paused";
  }
  SECTION("volume") {
    event["volume_ml"] = 0;
  }
  SECTION("flag") {
    event["valve_open"] = 1;
  }
  SECTION("id") {
    event.erase("event_id");
  }
  CHECK(bar.client().post("/api/controllers/flow-events", event).status == 422);
}
