#include "storage/salvage.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "storage/chain.hpp"
#include "storage/chain_walk.hpp"
#include "storage/model/ids.hpp"
#include "storage/model/money.hpp"
#include "storage/page_scan.hpp"
#include "storage/pours.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

/// The columns of a table as the good ledger has them.
struct Shape {
  std::string table;
  std::vector<std::string> names;
  std::vector<bool> is_text;
  std::optional<std::size_t> rowid;  ///< The column that stands for the row's id.

  Shape(SQLite::Database& database, std::string of) : table{std::move(of)} {
    SQLite::Statement columns{database, "SELECT name, type, pk FROM pragma_table_info(?1)"};
    columns.bind(1, table);
    while (columns.executeStep()) {
      const bool text = columns.getColumn(1).getString() == "TEXT";
      if (!text && columns.getColumn(2).getInt() == 1) rowid = names.size();
      names.push_back(columns.getColumn(0).getString());
      is_text.push_back(text);
    }
  }

  /// The record may be a row of this table: as many columns, of the right types.
  [[nodiscard]] bool fits(const StoredRecord& record) const {
    if (record.values.size() != names.size()) return false;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (std::holds_alternative<std::monostate>(record.values[i])) continue;
      if (std::holds_alternative<std::string>(record.values[i]) != is_text[i]) return false;
    }
    return true;
  }
};

using Row = std::map<std::string, StoredValue>;

Row named(const Shape& shape, StoredRecord record) {
  Row row;
  for (std::size_t i = 0; i < shape.names.size(); ++i) {
    row[shape.names[i]] = shape.rowid == i ? StoredValue{record.rowid} : record.values[i];
  }
  return row;
}

std::string text_of(const Row& row, const std::string& column) {
  const auto* text = std::get_if<std::string>(&row.at(column));
  return text == nullptr ? std::string{} : *text;
}

std::int64_t number_of(const Row& row, const std::string& column) {
  const auto* number = std::get_if<std::int64_t>(&row.at(column));
  return number == nullptr ? 0 : *number;
}

std::optional<std::string> as_text(const StoredValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return std::nullopt;
}

bool price_agrees(const Row& row) {
  const model::LitrePrice price{number_of(row, "price_cents_per_litre")};
  return price >= model::LitrePrice{} && price <= model::largest_litre_price &&
         model::price_per_ml_decimal(price) == text_of(row, "price_per_ml_at_pour");
}

bool finished_and_proven(const Row& row) {
  std::vector<std::optional<std::string>> content;
  for (const std::string_view column : hashed_columns()) {
    content.push_back(as_text(row.at(std::string{column})));
  }
  return price_agrees(row) && chain_hash(content) == text_of(row, "hash");
}

/// An open row has no hash yet, but its numbers follow from each other.
bool open_and_plausible(const Row& row) {
  const std::int64_t volume = number_of(row, "volume_ml");
  const auto id = model::ClientTxId::parse(text_of(row, "client_tx_id"));
  constexpr std::int64_t largest = 1'000'000;
  if (!id || !price_agrees(row) || volume < 0 || volume > largest) return false;
  const model::LitrePrice price{number_of(row, "price_cents_per_litre")};
  return id->short_id() == text_of(row, "short_id") &&
         model::price_of(model::Volume::millilitres(volume), price).minor_units() ==
             number_of(row, "price_cents");
}

/// What was found of the pours, each once.
class Found {
 public:
  void take(Row row) {
    const std::string id = text_of(row, "client_tx_id");
    const std::string status = text_of(row, "status");
    if (status.empty() || !model::ClientTxId::parse(id)) return;
    if (status == "open" && std::holds_alternative<std::monostate>(row.at("hash"))) {
      if (open_and_plausible(row)) {
        take_open(id, std::move(row));
      } else {
        spoilt_.insert(id);
      }
      return;
    }
    if (finished_.contains(id)) return;  // Newer images of a page come first.
    if (finished_and_proven(row)) {
      finished_.emplace(id, std::move(row));
    } else {
      spoilt_.insert(id);
    }
  }

  [[nodiscard]] std::vector<Row> finished() const {
    std::vector<Row> rows;
    for (const auto& [id, row] : finished_) rows.push_back(row);
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return number_of(a, "chain_no") < number_of(b, "chain_no");
    });
    return rows;
  }

  /// The newest of each tap that was not finished afterwards: a tap pours one after the other.
  [[nodiscard]] std::vector<Row> open() const {
    std::map<std::int64_t, std::int64_t> newest;
    const auto note = [&newest](const Row& row) {
      std::int64_t& seq = newest[number_of(row, "tap_id")];
      seq = std::max(seq, number_of(row, "pour_seq"));
    };
    for (const auto& [id, row] : finished_) note(row);
    for (const auto& [id, row] : open_) note(row);
    std::vector<Row> rows;
    for (const auto& [id, row] : open_) {
      if (!finished_.contains(id) &&
          newest[number_of(row, "tap_id")] == number_of(row, "pour_seq")) {
        rows.push_back(row);
      }
    }
    return rows;
  }

  [[nodiscard]] const std::set<std::string>& spoilt() const { return spoilt_; }

 private:
  void take_open(const std::string& id, Row row) {
    const auto known = open_.find(id);
    if (known == open_.end()) {
      open_.emplace(id, std::move(row));
    } else if (number_of(known->second, "end_mono_ns") < number_of(row, "end_mono_ns")) {
      known->second = std::move(row);
    }
  }

  std::map<std::string, Row> finished_;
  std::map<std::string, Row> open_;
  std::set<std::string> spoilt_;
};

void bind(SQLite::Statement& statement, int index, const StoredValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    statement.bind(index, *text);
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    statement.bind(index, *number);
  } else {
    statement.bind(index);
  }
}

/// Puts pours into the good ledger the way every pour goes: open first, then finished.
class PourWriter {
 public:
  explicit PourWriter(SQLite::Database& database)
      : known_{database, "SELECT status FROM pours WHERE client_tx_id = ?1"},
        number_taken_{database, "SELECT 1 FROM pours WHERE chain_no = ?1"},
        begin_{database, fmt::format("INSERT INTO pours ({}) VALUES ({})", fmt::join(begun, ", "),
                                     places(begun.size()))},
        progress_{database, update(progressed)},
        finish_{database, update(sealed)} {}

  /// False when it was there already, or when its number in the chain belongs to another.
  bool put(const Row& row, bool finished) {
    const std::string id = text_of(row, "client_tx_id");
    if (finished) {
      if (Use taken{number_taken_, number_of(row, "chain_no")}; taken.next()) return false;
    }
    bool there = false;
    if (Use known{known_, id}; known.next()) {
      if (known.text() != "open") return false;
      there = true;
    }
    if (!there) write(begin_, begun, row, std::nullopt);
    write(progress_, progressed, row, id);
    if (finished) write(finish_, sealed, row, id);
    return !there || finished;
  }

 private:
  static constexpr std::array<const char*, 19> begun{"client_tx_id",
                                                     "short_id",
                                                     "guest_id",
                                                     "card_uid",
                                                     "tap_id",
                                                     "keg_id",
                                                     "authorized_by",
                                                     "price_per_ml_at_pour",
                                                     "price_cents_per_litre",
                                                     "hold_cents",
                                                     "calibration_id",
                                                     "boot_id",
                                                     "start_ts",
                                                     "start_mono_ns",
                                                     "created_at",
                                                     "end_ts",
                                                     "end_mono_ns",
                                                     "clock_trusted",
                                                     "checkpoints"};
  static constexpr std::array<const char*, 9> progressed{
      "volume_ml",   "tail_volume_ml", "price_cents", "pulses",       "edges_lost",
      "checkpoints", "end_ts",         "end_mono_ns", "clock_trusted"};
  static constexpr std::array<const char*, 5> sealed{"stop_reason", "duration_ms", "chain_no",
                                                     "prev_hash", "hash"};

  static std::string places(std::size_t count) {
    std::string text = "?1";
    for (std::size_t i = 2; i <= count; ++i) text += fmt::format(", ?{}", i);
    return text;
  }
  template<std::size_t count>
  static std::string update(const std::array<const char*, count>& columns) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += fmt::format("{}{} = ?{}", i == 0 ? "" : ", ", columns.at(i), i + 1);
    }
    if (std::string_view{columns.back()} == "hash") text += ", status = 'new'";
    return fmt::format("UPDATE pours SET {} WHERE client_tx_id = ?{}", text, count + 1);
  }
  template<std::size_t count>
  static void write(SQLite::Statement& statement, const std::array<const char*, count>& columns,
                    const Row& row, const std::optional<std::string>& id) {
    Use use{statement};
    for (std::size_t i = 0; i < count; ++i) {
      bind(statement, static_cast<int>(i) + 1, row.at(columns.at(i)));
    }
    if (id) statement.bind(static_cast<int>(count) + 1, *id);
    use.run();
  }

  SQLite::Statement known_;
  SQLite::Statement number_taken_;
  SQLite::Statement begin_;
  SQLite::Statement progress_;
  SQLite::Statement finish_;
};

/// A row of a book without proof; false when it was there, or breaks a rule of its table.
bool put_other(SQLite::Database& good, const Shape& shape, const StoredRecord& record) {
  std::string places = "?1";
  for (std::size_t i = 2; i <= shape.names.size(); ++i) places += fmt::format(", ?{}", i);
  SQLite::Statement insert{good, fmt::format("INSERT OR IGNORE INTO {} ({}) VALUES ({})",
                                             shape.table, fmt::join(shape.names, ", "), places)};
  const Row row = named(shape, record);
  if (shape.table == "flow_events" && text_of(row, "status") == "confirmed") return false;
  for (std::size_t i = 0; i < shape.names.size(); ++i) {
    bind(insert, static_cast<int>(i) + 1, row.at(shape.names[i]));
  }
  try {
    return insert.exec() == 1;
  } catch (const SQLite::Exception&) {
    return false;
  }
}

/// A pour that the backup holds open and whose end is lost cannot stand open beside a newer one of
/// its tap: it ends at its last known progress.
void finish_doubled(SQLite::Database& good) {
  const bool doubled =
      good.execAndGet("SELECT count(*) > count(DISTINCT tap_id) FROM pours WHERE status = 'open'")
          .getInt() != 0;
  if (doubled) static_cast<void>(Pours{good}.finish_open());
}

std::vector<std::string> still_missing(SQLite::Database& good, const std::set<std::string>& ids) {
  std::vector<std::string> receipts;
  SQLite::Statement known{good, "SELECT 1 FROM pours WHERE client_tx_id = ?1"};
  for (const std::string& id : ids) {
    if (Use use{known, id}; !use.next()) {
      receipts.push_back(model::ClientTxId::parse(id).value().short_id());
    }
  }
  return receipts;
}

}  // namespace

Salvage salvage(SQLite::Database& good, const std::filesystem::path& damaged) {
  const Shape pours{good, "pours"};
  const std::array<Shape, 4> others{Shape{good, "audit_log"}, Shape{good, "flow_events"},
                                    Shape{good, "calibrations"}, Shape{good, "clock_marks"}};
  Found found;
  std::vector<std::pair<const Shape*, StoredRecord>> loose;
  const auto take = [&](StoredRecord record) {
    if (pours.fits(record)) return found.take(named(pours, std::move(record)));
    for (const Shape& shape : others) {
      if (shape.fits(record)) loose.emplace_back(&shape, record);
    }
  };
  scan_log(damaged.string() + "-wal", take);
  scan_database(damaged, take);

  Salvage result;
  SQLite::Transaction transaction{good, SQLite::TransactionBehavior::IMMEDIATE};
  // Until all are in, several pours of a tap may stand open.
  const std::string index =
      good.execAndGet("SELECT sql FROM sqlite_schema WHERE name = 'pours_one_open_per_tap'")
          .getString();
  good.exec("DROP INDEX pours_one_open_per_tap");
  PourWriter writer{good};
  for (const Row& row : found.finished()) result.finished += writer.put(row, true) ? 1 : 0;
  for (const Row& row : found.open()) result.open += writer.put(row, false) ? 1 : 0;
  for (const auto& [shape, record] : loose) {
    result.others += put_other(good, *shape, record) ? 1 : 0;
  }
  finish_doubled(good);
  good.exec(index);
  transaction.commit();
  result.unreadable = still_missing(good, found.spoilt());
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
