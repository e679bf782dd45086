#include "storage/flow_queue.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "storage/errors.hpp"
#include "storage/row_words.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

constexpr std::size_t largest_batch = 1'000;

WaitingFlowEvent read_event(Use& row) {
  WaitingFlowEvent waiting;
  waiting.row = row.integer();
  waiting.attempts = static_cast<std::int32_t>(row.integer());
  model::FlowEvent& event = waiting.event;
  event.event_id = row.text();
  event.event_status = row.text();
  event.tap_id = model::TapId{static_cast<std::int32_t>(row.integer())};
  event.volume = model::Volume::millilitres(row.integer());
  event.duration = std::chrono::milliseconds{row.integer()};
  event.card_present = row.flag();
  event.valve_open = row.flag();
  event.session_state = row.text();
  event.reason = row.text();
  return waiting;
}

}  // namespace

FlowQueue::FlowQueue(SQLite::Database& database, const model::BootId& boot)
    : boot_{boot.text()},
      due_{database,
           "SELECT event_seq, attempts, event_id, event_status, tap_id, volume_ml, duration_ms,"
           " card_present, valve_open, session_state, reason FROM flow_events"
           " WHERE status <> 'confirmed' AND status IN ('new', 'sent')"
           " AND (next_attempt_at IS NULL OR next_attempt_at <= ?1)"
           // An event's words are told in their order: one that is set aside holds the later ones.
           " AND NOT EXISTS (SELECT 1 FROM flow_events AS earlier"
           "  WHERE earlier.event_id = flow_events.event_id"
           "  AND earlier.event_seq < flow_events.event_seq"
           "  AND earlier.status IN ('new', 'sent') AND earlier.next_attempt_at > ?1)"
           " ORDER BY event_seq LIMIT ?2"},
      sent_{database,
            "UPDATE flow_events SET status = 'sent', sent_at = ?2"
            " WHERE event_seq = ?1 AND status IN ('new', 'sent')"},
      confirm_{database,
               "UPDATE flow_events SET status = 'confirmed', confirmed_at = ?2,"
               " next_attempt_at = NULL, next_attempt_boot = NULL WHERE event_seq = ?1"},
      spend_{database,
             "UPDATE flow_events SET attempts = attempts + 1, last_error = ?2,"
             " status = iif(attempts + 1 >= ?3, 'failed', 'new'),"
             " next_attempt_at = iif(attempts + 1 >= ?3, NULL, ?4),"
             " next_attempt_boot = iif(attempts + 1 >= ?3, NULL, ?5)"
             " WHERE event_seq = ?1 AND status IN ('new', 'sent')"},
      set_aside_{database,
                 "UPDATE flow_events SET status = 'new', last_error = ?2, next_attempt_at = ?3,"
                 " next_attempt_boot = ?4 WHERE event_seq = ?1 AND status IN ('new', 'sent')"},
      // The newest row of an event that never said "stopped", told once more as stopped.
      stop_open_{database,
                 "INSERT INTO flow_events (event_id, event_status, tap_id, volume_ml, duration_ms,"
                 " card_present, valve_open, session_state, reason, at_ts, at_mono_ns,"
                 " clock_trusted)"
                 " SELECT event_id, 'stopped', tap_id, volume_ml, duration_ms, card_present,"
                 " valve_open, session_state, reason, ?1, ?2, ?3 FROM flow_events AS newest"
                 " WHERE event_seq = (SELECT max(event_seq) FROM flow_events"
                 "                     WHERE event_id = newest.event_id)"
                 " AND NOT EXISTS (SELECT 1 FROM flow_events WHERE event_id = newest.event_id"
                 "                  AND event_status = 'stopped')"} {
  // Times since boot mean nothing in another boot.
  SQLite::Statement forget{database,
                           "UPDATE flow_events SET next_attempt_at = NULL, next_attempt_boot = NULL"
                           " WHERE status <> 'confirmed' AND next_attempt_at IS NOT NULL"
                           " AND (?1 = '' OR next_attempt_boot IS NOT ?1)"};
  Use{forget, boot_}.run();
}

std::vector<WaitingFlowEvent> FlowQueue::due(std::size_t most, const model::Moment& now) {
  std::vector<WaitingFlowEvent> events;
  Use rows{due_, std::int64_t{now.since_boot.count()},
           static_cast<std::int64_t>(std::min(most, largest_batch))};
  while (rows.next()) events.push_back(read_event(rows));
  return events;
}

void FlowQueue::settle(const FlowVerdict& verdict, std::int32_t attempt_cap,
                       const model::Moment& now, const model::Moment& retry_at) {
  switch (verdict.kind) {
    case FlowVerdict::Kind::sent:
      Use{sent_, verdict.row, model::to_iso8601(now.wall)}.run();
      break;
    case FlowVerdict::Kind::confirmed:
      Use{confirm_, verdict.row, model::to_iso8601(now.wall)}.run();
      break;
    case FlowVerdict::Kind::spend_attempt:
      Use{spend_,
          verdict.row,
          short_note(verdict.reason),
          attempt_cap,
          std::int64_t{retry_at.since_boot.count()},
          boot_}
          .run();
      break;
    case FlowVerdict::Kind::set_aside:
      Use{set_aside_, verdict.row, short_note(verdict.reason),
          std::int64_t{retry_at.since_boot.count()}, boot_}
          .run();
      break;
  }
}

std::size_t FlowQueue::stop_open_events(const model::Moment& now) {
  const int stopped = Use{stop_open_, model::to_iso8601(now.wall),
                          std::int64_t{now.since_boot.count()}, now.wall_trusted}
                          .run();
  return static_cast<std::size_t>(stopped);
}

}  // namespace tapd::storage
