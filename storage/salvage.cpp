#include "storage/salvage.hpp"

#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "storage/chain.hpp"
#include "storage/chain_walk.hpp"
#include "storage/model/whole_number.hpp"
#include "storage/notes.hpp"
#include "storage/page_scan.hpp"
#include "storage/pour_salvage.hpp"
#include "storage/statement.hpp"
#include "storage/table_shape.hpp"

namespace tapd::storage {
namespace {

constexpr const char* told_counts =
    " ON CONFLICT (event_id, event_status, volume_ml) DO UPDATE SET status = 'confirmed',"
    " confirmed_at = excluded.confirmed_at, next_attempt_at = NULL, next_attempt_boot = NULL"
    " WHERE excluded.status = 'confirmed' AND status <> 'confirmed'";

/// A row of a book without proof; false when it was there, or breaks a rule of its table.
bool put_other(SQLite::Database& good, const TableShape& shape, const StoredRecord& record) {
  // Of the images of a flow event the one that knows it told counts, whenever it is found.
  const bool queued = shape.table() == "flow_events";
  SQLite::Statement insert{
      good, fmt::format("INSERT OR IGNORE INTO {} ({}) VALUES ({}){}", shape.table(),
                        fmt::join(shape.columns(), ", "), places(shape.columns().size()),
                        queued ? told_counts : "")};
  const NamedRow row = shape.named(record);
  for (std::size_t i = 0; i < shape.columns().size(); ++i) {
    bind(insert, static_cast<int>(i) + 1, row.at(shape.columns()[i]));
  }
  try {
    return insert.exec() == 1;
  } catch (const SQLite::Exception&) {
    return false;
  }
}

/// What staff decided and taps closed by themselves, as `meta` keeps it. It carries no proof: a tap
/// that was closed stays closed, and a calibration must stand in its own book as well.
class StaffMarks {
 public:
  explicit StaffMarks(SQLite::Database& good) : good_{good}, shape_{good, "meta"} {}

  [[nodiscard]] bool fits(const StoredRecord& record) const { return shape_.fits(record); }
  /// Of two images of one mark the newer must come first.
  void take(StoredRecord record) {
    const NamedRow row = shape_.named(std::move(record));
    found_.try_emplace(text_of(row, "key"), text_of(row, "value"));
  }
  void finish() {
    Notes notes{good_};
    for (const auto& [key, value] : found_) {
      const bool closes = tap_of(key, staff_lock) || tap_of(key, own_closings);
      if (closes && !value.empty()) notes.set_meta(key, value);
      const auto tap = tap_of(key, staff_calibration);
      // An empty one was forgotten: an older image must not bring it back.
      if (tap && (value.empty() || in_its_book(*tap, value))) {
        notes.set_meta(key, value);
      }
    }
  }

 private:
  static std::optional<std::int64_t> tap_of(std::string_view key, std::string_view mark) {
    if (!key.starts_with(mark) || !key.substr(mark.size()).starts_with('.')) return std::nullopt;
    return model::whole_number(key.substr(mark.size() + 1));
  }
  bool in_its_book(std::int64_t tap, std::string_view value) {
    const auto measured = model::whole_number(value.substr(value.find(' ') + 1));
    SQLite::Statement book{good_,
                           "SELECT nanolitres_per_pulse FROM calibrations WHERE tap_id = ?1"
                           " ORDER BY version DESC LIMIT 1"};
    Use newest{book, tap};
    return measured && newest.next() && newest.integer() == *measured;
  }
  SQLite::Database& good_;
  TableShape shape_;
  std::map<std::string, std::string> found_;
};

/// What was served counts where its pour is there, too.
void drop_foreign_servings(SQLite::Database& good) {
  good.exec(
      "DELETE FROM servings WHERE NOT EXISTS (SELECT 1 FROM pours"
      " WHERE pours.pour_seq = servings.pour_seq AND pours.guest_id = servings.guest_id)");
}

/// Old images bring back updates that later ones had overtaken, and words of events whose end the
/// server knows already.
void drop_overtaken_events(SQLite::Database& good) {
  good.exec(
      "DELETE FROM flow_events WHERE status <> 'confirmed' AND event_status = 'updated'"
      " AND EXISTS (SELECT 1 FROM flow_events AS later"
      "  WHERE later.event_id = flow_events.event_id AND (later.event_status = 'stopped'"
      "  OR later.volume_ml > flow_events.volume_ml));"
      "DELETE FROM flow_events WHERE status <> 'confirmed' AND EXISTS (SELECT 1 FROM flow_events"
      " AS last WHERE last.event_id = flow_events.event_id AND last.event_status = 'stopped'"
      " AND last.status = 'confirmed')");
}

}  // namespace

Salvage salvage(SQLite::Database& good, const std::filesystem::path& damaged) {
  Salvage result;
  SQLite::Transaction transaction{good, SQLite::TransactionBehavior::IMMEDIATE};
  const std::array others{TableShape{good, "audit_log"}, TableShape{good, "flow_events"},
                          TableShape{good, "calibrations"}, TableShape{good, "clock_marks"},
                          TableShape{good, "servings"}};
  PourSalvage pours{good};
  StaffMarks marks{good};
  const auto take = [&](StoredRecord record) {
    if (pours.fits(record)) return pours.take(std::move(record));
    for (const TableShape& shape : others) {
      if (shape.fits(record)) result.others += put_other(good, shape, record) ? 1 : 0;
    }
    if (marks.fits(record)) marks.take(std::move(record));
  };
  const std::string log = damaged.string() + "-wal";
  scan_log(log, Generation::newest, take);
  scan_database(damaged, take);
  scan_log(log, Generation::earlier, take);
  pours.finish();
  drop_foreign_servings(good);
  drop_overtaken_events(good);
  marks.finish();
  transaction.commit();
  result.finished = pours.finished();
  result.open = pours.open();
  result.parked = pours.parked();
  result.unreadable = pours.unreadable();
  return result;
}

std::vector<std::string> declare_gaps(SQLite::Database& database) {
  std::vector<std::string> gaps;
  std::vector<std::pair<std::string, std::string>> declarations;
  {
    SQLite::Statement rows{database,
                           "SELECT chain_no, prev_hash, hash FROM pours WHERE chain_no IS NOT NULL"
                           " ORDER BY chain_no"};
    std::int64_t last = 0;
    std::string hash{chain_origin};
    while (rows.executeStep()) {
      DeclaredGap gap{rows.getColumn(0).getInt64(), rows.getColumn(1).getString()};
      if (gap.next_no != last + 1 || gap.prev_hash != hash) {
        declarations.emplace_back(gap_key(last), to_text(gap));
      }
      last = gap.next_no;
      hash = rows.getColumn(2).getString();
    }
  }
  SQLite::Statement known{database, "SELECT 1 FROM meta WHERE key = ?1 AND value = ?2"};
  SQLite::Statement declare{database,
                            "INSERT INTO meta (key, value) VALUES (?1, ?2)"
                            " ON CONFLICT (key) DO UPDATE SET value = ?2"};
  for (const auto& [key, value] : declarations) {
    if (Use use{known, key, value}; use.next()) continue;  // Removed by retention.
    Use{declare, key, value}.run();
    const std::string after = key.substr(key.find('.') + 1);
    gaps.push_back(fmt::format("between {} and {}", after, value.substr(0, value.find(' '))));
  }
  return gaps;
}

}  // namespace tapd::storage
