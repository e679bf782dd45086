#include "storage/upkeep.hpp"

#include <map>
#include <vector>

#include <fmt/format.h>

#include "storage/chain_walk.hpp"
#include "storage/database_file.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

/// SQL for the end of a pour as its own clock or that of its boot has it; null: nobody knows.
constexpr const char* dated_end =
    "iif(clock_trusted, end_ts, (SELECT strftime('%Y-%m-%dT%H:%M:%fZ',"
    " (boot_wall_ms + pours.end_mono_ns / 1000000) / 1000.0, 'unixepoch')"
    " FROM clock_marks WHERE clock_marks.boot_id = pours.boot_id))";

/// Later than any time.
constexpr const char* not_yet = "9999";

}  // namespace

// A confirmed pour goes only when the cached balance of its guest contains it: removed earlier, it
// would give the guest the money back. `deletable` is worked out per row, in the order of the
// chain. A clock that was far behind until after the server had confirmed must not make this
// evening's pours look old: no pour is confirmed before it ends, so its corrected end counts too,
// and where nobody knows that, the end of the next pour of which it is known.
Upkeep::Upkeep(SQLite::Database& database)
    : database_{database},
      old_guests_{database,
                  "DELETE FROM guests WHERE guest_id IN (SELECT guest_id FROM guests"
                  " WHERE balance_asked IS NOT NULL AND balance_clock_trusted = 1"
                  " AND balance_heard_at < ?1 AND NOT EXISTS (SELECT 1 FROM pours"
                  " WHERE pours.status <> 'confirmed' AND pours.guest_id = guests.guest_id)"
                  " LIMIT ?2)"},
      old_cards_{database,
                 "DELETE FROM cards WHERE heard_asked IS NOT NULL AND status = 'active'"
                 " AND guest_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM guests"
                 " WHERE guests.guest_id = cards.guest_id)"},
      candidates_{
          database,
          fmt::format("SELECT chain_no, end_ts < ?3, status = 'confirmed' AND confirmed_at < ?3"
                      " AND chain_no <"
                      " (SELECT max(chain_no) FROM pours WHERE chain_no IS NOT NULL)"
                      " AND settled_marker <= coalesce((SELECT coalesce(balance_asked,"
                      " (SELECT snapshot_asked FROM server_knowledge), -1) FROM guests"
                      " WHERE guests.guest_id = pours.guest_id), settled_marker),"
                      " coalesce({}, ''), boot_id"
                      " FROM pours WHERE chain_no > ?1 ORDER BY chain_no LIMIT ?2",
                      dated_end)},
      next_dated_{database,
                  fmt::format("SELECT {0} FROM pours WHERE chain_no > ?1 AND {0} IS NOT NULL"
                              " ORDER BY chain_no LIMIT 1",
                              dated_end)},
      remove_{database, "DELETE FROM pours WHERE chain_no = ?1"},
      remove_serving_{database,
                      "DELETE FROM servings"
                      " WHERE pour_seq = (SELECT pour_seq FROM pours WHERE chain_no = ?1)"},
      before_{database, "SELECT coalesce(max(chain_no), 0) FROM pours WHERE chain_no < ?1"},
      next_{database,
            "SELECT chain_no, prev_hash FROM pours WHERE chain_no > ?1 ORDER BY chain_no LIMIT 1"},
      declare_{database,
               "INSERT INTO meta (key, value) VALUES (?1, ?2)"
               " ON CONFLICT (key) DO UPDATE SET value = ?2"},
      undeclare_{database, "DELETE FROM meta WHERE key = ?1"},
      state_{database,
             "SELECT (SELECT coalesce(max(pour_seq), 0) FROM pours) || '/'"
             " || (SELECT coalesce(max(chain_no), 0) FROM pours WHERE chain_no IS NOT NULL) || '/'"
             " || (SELECT marker || '/' || snapshot_revision FROM server_knowledge) || '/'"
             " || (SELECT coalesce(max(log_seq), 0) FROM audit_log) || '/'"
             " || (SELECT coalesce(max(event_seq), 0) FROM flow_events) || '/'"
             " || (SELECT count(*) FROM flow_events WHERE status <> 'confirmed') || '/'"
             " || (SELECT count(*) FROM calibrations)"},
      open_{database,
            "SELECT count(*) FROM pours WHERE status <> 'confirmed' AND status = 'open'"} {}

Forgotten Upkeep::forget_confirmed(model::WallTime before, std::int64_t after, std::size_t most,
                                   model::WallTime balances) {
  Forgotten forgotten;
  forgotten.reached = after;
  if (after == 0 && !forget_heard_alone(balances, most)) {
    forgotten.more = true;
    return forgotten;
  }
  const std::string limit = model::to_iso8601(before);
  std::vector<std::int64_t> rows;
  std::map<std::string, std::string> ends;  // By boot: looked up once, however much it poured.
  std::size_t looked = 0;
  bool last_is_old = false;
  {
    Use candidates{candidates_, after, static_cast<std::int64_t>(most), limit};
    while (candidates.next()) {
      forgotten.reached = candidates.integer();
      last_is_old = candidates.flag();
      const bool done_with = candidates.flag();
      std::string end = candidates.text();
      if (done_with && end.empty()) end = end_after(forgotten.reached, candidates.text(), ends);
      if (done_with && end < limit) rows.push_back(forgotten.reached);
      ++looked;
    }
  }
  for (const std::int64_t row : rows) {
    Use{remove_serving_, row}.run();
    Use{remove_, row}.run();
    Use{undeclare_, gap_key(row)}.run();
  }
  for (const std::int64_t row : rows) declare_gap_around(row);
  forgotten.pours = static_cast<std::int64_t>(rows.size());
  forgotten.more = looked == most && last_is_old;
  return forgotten;
}

std::string Upkeep::end_after(std::int64_t chain_no, const std::string& boot,
                              std::map<std::string, std::string>& known) {
  const auto [end, is_new] = known.try_emplace(boot, not_yet);
  if (!is_new) return end->second;
  if (Use next{next_dated_, chain_no}; next.next()) end->second = next.text();
  return end->second;
}

// A balance that was heard alone is older than the last pour that it paid for, and without
// snapshots none comes after it until the guest does: it would keep that pour for ever. Once it is
// too old to allow anything it says nothing; the next authorization brings another.
bool Upkeep::forget_heard_alone(model::WallTime before, std::size_t most) {
  const auto gone =
      Use{old_guests_, model::to_iso8601(before), static_cast<std::int64_t>(most)}.run();
  if (gone > 0) Use{old_cards_}.run();
  return static_cast<std::size_t>(gone) < most;
}

void Upkeep::declare_gap_around(std::int64_t chain_no) {
  std::int64_t before = 0;
  {
    Use use{before_, chain_no};
    if (use.next()) before = use.integer();
  }
  Use next{next_, chain_no};
  if (!next.next()) return;
  DeclaredGap gap;
  gap.next_no = next.integer();
  gap.prev_hash = next.text();
  Use{declare_, gap_key(before), to_text(gap)}.run();
}

std::string Upkeep::state_of_books() {
  Use use{state_};
  return use.next() ? use.text() : std::string{};
}

bool Upkeep::pour_open() {
  Use use{open_};
  return use.next() && use.flag();
}

void Upkeep::begin_copy(const std::filesystem::path& file) {
  copy_.reset();
  copy_ = std::make_unique<BackupCopy>(database_, file);
}

bool Upkeep::continue_copy(int pages) {
  if (!copy_ || !copy_->step(pages)) return false;
  copy_.reset();
  return true;
}

std::string books_of_copy(const std::filesystem::path& file) {
  try {
    SQLite::Database copy{sqlite_uri(file, "immutable=1").c_str(),
                          SQLite::OPEN_READONLY | SQLite::OPEN_URI};
    return Upkeep{copy}.state_of_books();
  } catch (const SQLite::Exception&) {
    return {};
  }
}

}  // namespace tapd::storage
