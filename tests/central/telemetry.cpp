#include "tests/central/telemetry.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/central/amounts.hpp"
#include "tests/central/audit.hpp"
#include "tests/central/fields.hpp"

namespace tapd::central {
namespace {

using nlohmann::ordered_json;

struct FlowEvent {
  std::string event_id;
  std::string status;
  std::int64_t tap_id{0};
  std::int64_t volume_ml{0};
  std::int64_t duration_ms{0};
  bool card_present{false};
  bool valve_open{false};
  std::string session_state;
  std::optional<std::string> reason;
  std::optional<std::string> card_uid;
  std::optional<std::string> short_id;

  [[nodiscard]] bool depletes_keg() const { return session_state != "authorized_session"; }
};

FlowEvent read_flow_event(Fields& fields) {
  FlowEvent event;
  event.event_id = fields.text("event_id", {.shortest = 1, .longest = 128});
  event.status = fields.text("event_status", {.shortest = 1, .longest = 20});
  if (event.status != "started" && event.status != "updated" && event.status != "stopped") {
    fields.complain("event_status", "must be started, updated or stopped");
  }
  event.tap_id = fields.integer("tap_id", tap_numbers);
  event.volume_ml = fields.integer("volume_ml", {1, largest_volume_ml});
  event.duration_ms = fields.integer("duration_ms", int32_not_negative);
  event.card_present = fields.boolean("card_present");
  event.valve_open = fields.boolean("valve_open");
  event.session_state = fields.text("session_state", {.shortest = 1, .longest = 64});
  event.reason = fields.optional_text("reason", {.shortest = 0, .longest = 128});
  event.card_uid = fields.optional_text("card_uid", {.shortest = 0, .longest = 50});
  event.short_id = fields.optional_text("short_id", {.shortest = 0, .longest = 8});
  return event;
}

/// Makes the row if it is not there, and returns the volume that it held before (0 for a new one).
/// Either way the row is locked, so two reports of one event cannot deplete the keg twice.
std::int64_t lock_event(Connection& connection, const FlowEvent& event) {
  const Rows made = connection.run(
      "INSERT INTO flow_events (event_id, event_status, tap_id, volume_ml, duration_ms,"
      "  card_present, valve_open, session_state, reason, card_uid, short_id)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
      " ON CONFLICT (event_id) DO NOTHING RETURNING 1",
      {event.event_id, event.status, event.tap_id, event.volume_ml, event.duration_ms,
       event.card_present, event.valve_open, event.session_state, event.reason, event.card_uid,
       event.short_id});
  if (!made.empty()) return 0;
  return connection
      .run("SELECT volume_ml FROM flow_events WHERE event_id = $1 FOR UPDATE", {event.event_id})
      .integer(0, 0);
}

/// A late report may add volume and duration, but does not open a stopped event again.
Rows merge_event(Connection& connection, const FlowEvent& event) {
  return connection.run(
      "UPDATE flow_events SET"
      " event_status = CASE WHEN event_status = 'stopped' THEN 'stopped' ELSE $2 END,"
      " volume_ml = GREATEST(volume_ml, $3::integer),"
      " duration_ms = GREATEST(duration_ms, $4::integer),"
      " reason = COALESCE($5, reason), last_heard = now()"
      " WHERE event_id = $1 RETURNING event_status, volume_ml",
      {event.event_id, event.status, event.volume_ml, event.duration_ms, event.reason});
}

}  // namespace

Reply register_controller(Connection& connection, const std::string& body) {
  const auto parsed = parse_body(body);
  if (!parsed) return unprocessable({{.field = "", .message = "is no JSON"}});
  Fields fields{*parsed};
  const std::string id = fields.text("controller_id", {.shortest = 1, .longest = 50});
  const std::string address = fields.text("ip_address", {.shortest = 1, .longest = 45});
  const std::string version = fields.text("firmware_version", {.shortest = 1, .longest = 20});
  if (!fields.good()) return unprocessable(fields.faults());
  const Rows row = connection.run(
      "INSERT INTO controllers (controller_id, ip_address, firmware_version) VALUES ($1, $2, $3)"
      " ON CONFLICT (controller_id) DO UPDATE SET ip_address = $2, firmware_version = $3,"
      "   last_seen = clock_timestamp()"
      " RETURNING to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
      "           to_char(last_seen, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
      {id, address, version});
  return json_reply(200, {{"controller_id", id},
                          {"ip_address", address},
                          {"firmware_version", version},
                          {"created_at", row.text(0, 0)},
                          {"last_seen", row.text(0, 1)}});
}

Reply system_status(Connection& connection) {
  const Rows state =
      connection.run("SELECT value FROM system_states WHERE key = 'emergency_stop_enabled'");
  const std::string value = state.empty() ? "false" : state.text(0, 0);
  const Rows rows = connection.run("SELECT tap_id, display_name, status FROM taps ORDER BY tap_id");
  ordered_json taps = ordered_json::array();
  for (int row = 0; row < rows.count(); ++row) {
    taps.push_back({{"tap_id", rows.integer(row, 0)},
                    {"display_name", rows.text(row, 1)},
                    {"status", rows.text(row, 2)}});
  }
  return json_reply(200, {{"emergency_stop", value == "true"}, {"value", value}, {"taps", taps}});
}

Reply record_flow_event(Connection& connection, const std::string& body) {
  const auto parsed = parse_body(body);
  if (!parsed) return unprocessable({{.field = "", .message = "is no JSON"}});
  Fields fields{*parsed};
  const FlowEvent event = read_flow_event(fields);
  if (!fields.good()) return unprocessable(fields.faults());

  Transaction transaction{connection};
  const std::int64_t before = lock_event(connection, event);
  const Rows merged = merge_event(connection, event);
  const std::int64_t added = std::max<std::int64_t>(event.volume_ml - before, 0);
  const Rows keg = connection.run(
      "SELECT keg_id FROM taps JOIN kegs USING (keg_id) WHERE tap_id = $1 FOR UPDATE OF kegs",
      {event.tap_id});
  if (event.depletes_keg() && added > 0 && !keg.empty()) {
    deplete_keg(connection, keg.text(0, 0), added);
  }
  transaction.commit();
  return json_reply(200, {{"event_id", event.event_id},
                          {"accepted", true},
                          {"event_status", merged.text(0, 0)},
                          {"volume_ml", merged.integer(0, 1)}});
}

}  // namespace tapd::central
