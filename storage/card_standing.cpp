#include "storage/card_standing.hpp"

#include <fmt/format.h>

#include "storage/pour_rows.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {

CardStandings::CardStandings(SQLite::Database& database)
    : open_{database,
            "SELECT 1 FROM pours WHERE status <> 'confirmed' AND status = 'open'"
            " AND (card_uid = ?1 OR tap_id = ?2) LIMIT 1"},
      unsent_{database,
              fmt::format("SELECT 1 FROM pours WHERE status <> 'confirmed' AND status IN"
                          " ('new', 'sent') AND card_uid = ?1 AND ({} OR volume_ml = 0) LIMIT 1",
                          live_leave)},
      // The newest rows are enough: one that began since is among them.
      began_{database,
             "SELECT 1 FROM (SELECT * FROM pours ORDER BY pour_seq DESC LIMIT 200)"
             " WHERE card_uid = ?1 AND tap_id = ?2 AND boot_id = ?3 AND start_mono_ns >= ?4"
             " LIMIT 1"} {}

CardStanding CardStandings::of(const model::CardUid& card, model::TapId tap, model::SinceBoot since,
                               const model::BootId& boot) {
  CardStanding standing;
  standing.in_session = Use{open_, card.text(), tap.number()}.next();
  standing.unsent = Use{unsent_, card.text()}.next();
  standing.began_since =
      Use{began_, card.text(), tap.number(), boot.text(), std::int64_t{since.count()}}.next();
  return standing;
}

}  // namespace tapd::storage
