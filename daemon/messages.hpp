// The messages of the journal, each with the id under which the catalogs explain it (`journalctl
// -x`, systemd/tapd*.catalog; the journal's "message catalog" specification). An id is never
// changed and never used again: people's filters and notes hold on to it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tapd {

enum class Message : std::uint8_t {
  tapd_starts,
  ready,
  stopping,
  stopped,
  stop_unfinished,
  cannot_run,
  tap_opened,
  kill_is_safe,
  kill_is_unsafe,
  no_real_time,
  no_server,
  config_reloaded,
  config_refused,
  card_seen,
  card_left,
  card_denied,
  valve_opened,
  pour_ended,
  pour_settled,
  pour_recovered,
  tap_locked,
  tap_unlocked,
  fault_reader,
  fault_meter,
  fault_valve,
  fault_leak,
  fault_noise,
  fault_stuck_valve,
  tap_repaired,
  tap_cleared,
  gas,
  silence,
  line_refill,
  lamp_failed,
  reader_recovered,
  reader_trouble,
  clock_set,
  clock_not_noted,
  server_reachable,
  server_unreachable,
  server_answered,
  token_refused,
  snapshot_taken,
  no_snapshot,
  emergency_stop,
  emergency_over,
  pours_confirmed,
  pour_not_booked,
  pour_failed,
  server_nonsense,
  ledger_trouble,
  ledger_restored,
  ledger_changed,
  backup_written,
  backup_failed,
  book_keeping_failed,
  lines_lost,
  loop_stuck,
  limits_lifted,
  refused_late,
  service_act,
  liquid_lost,
  service_menu,
  no_metrics,
  meter_measured,
  config_waits,
};
inline constexpr std::size_t message_count = static_cast<std::size_t>(Message::config_waits) + 1;

/// 32 hexadecimal digits: the field MESSAGE_ID.
[[nodiscard]] std::string_view message_id(Message message);
/// The word in the code and in `journalctl TAPD_MESSAGE=`: "pour_ended".
[[nodiscard]] std::string_view to_text(Message message);
/// A line of this kind that says again what the last one of the same tap said is held back for a
/// while. Never one that tells of a pour or of money, nor one that tells of a change: the last line
/// about a state must be true.
[[nodiscard]] bool may_be_held_back(Message message);

}  // namespace tapd
