#include "storage/measuring.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "storage/errors.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

// A litre in one pulse: no meter is that coarse.
constexpr std::int64_t most_nanolitres_per_pulse = 1'000'000'000;

std::string in_words(std::int64_t nanolitres_per_pulse, const std::string& curve) {
  if (curve.empty()) return fmt::format("{}", nanolitres_per_pulse);
  return fmt::format("({})", curve);
}

}  // namespace

Measuring::Measuring(SQLite::Database& database, Notes& notes)
    : notes_{notes},
      newest_calibration_{database,
                          "SELECT calibration_id, version, nanolitres_per_pulse,"
                          " coalesce(curve, '') FROM calibrations"
                          " WHERE tap_id = ?1 ORDER BY version DESC LIMIT 1"},
      put_calibration_{database,
                       "INSERT INTO calibrations (tap_id, version, nanolitres_per_pulse, curve,"
                       " method, set_by, set_at, clock_trusted) VALUES (?1, ?2, ?3,"
                       " nullif(?4, ''), iif(?4 = '', 'constant', 'curve'), ?5, ?6, ?7) RETURNING "
                       "calibration_id"},
      put_event_{database,
                 "INSERT INTO flow_events (event_id, event_status, tap_id, volume_ml,"
                 " duration_ms, card_present, valve_open, session_state, reason, at_ts,"
                 " at_mono_ns, clock_trusted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                 " ?11, ?12) ON CONFLICT (event_id, event_status, volume_ml) DO NOTHING"},
      drop_overtaken_{database,
                      "DELETE FROM flow_events WHERE event_id = ?1 AND event_status = 'updated'"
                      " AND volume_ml < ?2 AND status = 'new'"} {}

std::int64_t Measuring::calibration(model::TapId tap, std::int64_t nanolitres_per_pulse,
                                    const std::string& curve, const std::string& who,
                                    const model::Moment& now) {
  if (nanolitres_per_pulse <= 0 || nanolitres_per_pulse > most_nanolitres_per_pulse) {
    throw Refusal{fmt::format("tap {}: {} nl per pulse is no calibration", tap.number(),
                              nanolitres_per_pulse)};
  }
  std::int64_t version = 1;
  std::string before = "none";
  if (Use row{newest_calibration_, tap.number()}; row.next()) {
    const std::int64_t id = row.integer();
    // A spoilt one keeps nobody from going on with the same calibration.
    version = std::min(row.integer(), INT64_MAX - 1) + 1;
    const std::int64_t in_force = row.integer();
    const std::string curve_in_force = row.text();
    if (in_force == nanolitres_per_pulse && curve_in_force == curve) return id;
    before = in_words(in_force, curve_in_force);
  }
  notes_.audit(who, "set_calibration", fmt::format("tap {}", tap.number()),
               fmt::format("nl per pulse: {} -> {}", before, in_words(nanolitres_per_pulse, curve)),
               now);
  Use row{put_calibration_,
          tap.number(),
          version,
          nanolitres_per_pulse,
          curve,
          who,
          model::to_iso8601(now.wall),
          now.wall_trusted};
  if (!row.next()) throw BadRow{"a calibration got no id"};
  const std::int64_t id = row.integer();
  while (row.next()) {
    // An INSERT with RETURNING has ended only when it was stepped to its end.
  }
  return id;
}

void Measuring::record_flow_event(const model::FlowEvent& event) {
  const std::int64_t volume = event.volume.in_millilitres();
  Use{put_event_,
      event.event_id,
      event.event_status,
      event.tap_id.number(),
      volume,
      std::int64_t{event.duration.count()},
      event.card_present,
      event.valve_open,
      event.session_state,
      event.reason,
      model::to_iso8601(event.at.wall),
      std::int64_t{event.at.since_boot.count()},
      event.at.wall_trusted}
      .run();
  // Volumes are cumulative: of the updates that still wait, the newest says all. A leak of a week
  // costs a handful of rows.
  Use{drop_overtaken_, event.event_id, volume}.run();
}

}  // namespace tapd::storage
