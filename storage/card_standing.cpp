#include "storage/card_standing.hpp"

#include <sstream>
#include <string>

#include <fmt/format.h>

#include "storage/errors.hpp"
#include "storage/pour_rows.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {

namespace {

// In `meta`: locks at the server whose end is not known.
const std::string unresolved = "locks_unresolved";

// A row that pays with the lock of its own authorization, or releases one.
const std::string needs_its_lock = "(" + live_leave + " OR volume_ml = 0)";

// What cannot be read is no lock that anybody could release.
LeftBehind::Locks read_locks(const std::string& text) {
  LeftBehind::Locks locks;
  std::istringstream lines{text};
  std::string card;
  std::int32_t tap = 0;
  while (lines >> card >> tap) {
    if (const auto uid = model::CardUid::parse(card)) locks.push_back({*uid, model::TapId{tap}});
  }
  return locks;
}

}  // namespace

CardStandings::CardStandings(SQLite::Database& database, Notes& notes)
    : notes_{notes},
      open_{database,
            "SELECT 1 FROM pours WHERE status <> 'confirmed' AND status = 'open'"
            " AND (card_uid = ?1 OR tap_id = ?2) LIMIT 1"},
      unsent_{database,
              fmt::format("SELECT max(tap_id = ?2) FILTER (WHERE {0}),"
                          " max(iif(boot_id = ?3, start_mono_ns, 0)) FILTER (WHERE {0}),"
                          " coalesce(max(status = 'sent') FILTER (WHERE NOT {0}), 0)"
                          " FROM pours WHERE status <> 'confirmed' AND status IN ('new', 'sent')"
                          " AND card_uid = ?1",
                          needs_its_lock)},
      // The newest rows are enough: one that began since is among them.
      began_{database,
             "SELECT 1 FROM pours WHERE pour_seq > (SELECT max(pour_seq) FROM pours) - 200"
             " AND card_uid = ?1 AND tap_id = ?2 AND boot_id = ?3 AND start_mono_ns >= ?4"
             " LIMIT 1"},
      sent_{database,
            "SELECT 1 FROM pours WHERE status <> 'confirmed' AND status = 'sent' LIMIT 1"},
      // A verdict that is final has a marker, and ended the lock.
      given_up_{database,
                "SELECT card_uid, tap_id FROM pours WHERE status <> 'confirmed'"
                " AND status = 'failed' AND settled_marker IS NULL"
                " ORDER BY pour_seq DESC LIMIT ?1"},
      // A restored ledger has forgotten when that was; what is on tap only a snapshot tells.
      snapshots_{database,
                 "SELECT snapshot_asked IS NOT NULL OR EXISTS (SELECT 1 FROM taps)"
                 " FROM server_knowledge"} {}

CardStanding CardStandings::of(const model::CardUid& card, model::TapId tap, model::SinceBoot since,
                               const model::BootId& boot) {
  CardStanding standing;
  standing.in_session = Use{open_, card.text(), tap.number()}.next();
  if (Use unsent{unsent_, card.text(), tap.number(), boot.text()}; unsent.next()) {
    const auto here = unsent.integer_or_null();
    standing.unsent = here.has_value();
    standing.unsent_here = here == 1;
    standing.unsent_began = model::SinceBoot{unsent.integer_or_null().value_or(0)};
    standing.in_doubt = unsent.flag();
  }
  standing.began_since =
      Use{began_, card.text(), tap.number(), boot.text(), std::int64_t{since.count()}}.next();
  return standing;
}

LeftBehind CardStandings::left_behind(std::size_t most) {
  LeftBehind left;
  left.sent = Use{sent_}.next();
  if (Use known{snapshots_}; known.next()) left.had_snapshots = known.flag();
  Use rows{given_up_, static_cast<std::int64_t>(most)};
  while (rows.next()) {
    const auto card = model::CardUid::parse(rows.text());
    if (!card) throw BadRow{card.error()};
    left.locks.push_back({*card, model::TapId{static_cast<std::int32_t>(rows.integer())}});
  }
  left.noted = read_locks(notes_.meta(unresolved).value_or(""));
  return left;
}

void CardStandings::note(const LeftBehind::Locks& locks) {
  std::string text;
  for (const auto& [card, tap] : locks) text += fmt::format("{} {}\n", card.text(), tap.number());
  notes_.set_meta(unresolved, text);
}

}  // namespace tapd::storage
