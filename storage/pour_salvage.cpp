#include "storage/pour_salvage.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include "storage/chain.hpp"
#include "storage/model/ids.hpp"
#include "storage/model/money.hpp"
#include "storage/model/time.hpp"
#include "storage/pours.hpp"
#include "storage/row_words.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

constexpr std::array<const char*, 20> begun{"pour_seq",
                                            "client_tx_id",
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
constexpr std::array<const char*, 9> progressed{"volume_ml", "tail_volume_ml", "price_cents",
                                                "pulses",    "edges_lost",     "checkpoints",
                                                "end_ts",    "end_mono_ns",    "clock_trusted"};
constexpr std::array<const char*, 5> sealed{"stop_reason", "duration_ms", "chain_no", "prev_hash",
                                            "hash"};

// A row keeps its place among the others where that is free and can be true: the order of rows is
// that of the venue's evening, but no hash proves it.
std::string insertion() {
  std::string values = places(begun.size());
  values.replace(0, 2, "iif(?1 < 1 OR EXISTS (SELECT 1 FROM pours WHERE pour_seq = ?1), NULL, ?1)");
  return fmt::format("INSERT INTO pours ({}) VALUES ({})", fmt::join(begun, ", "), values);
}

template<std::size_t count>
std::string update(const std::array<const char*, count>& columns) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += fmt::format("{}{} = ?{}", i == 0 ? "" : ", ", columns.at(i), i + 1);
  }
  if (std::string_view{columns.back()} == "hash") text += ", status = 'new'";
  return fmt::format("UPDATE pours SET {} WHERE client_tx_id = ?{}", text, count + 1);
}

template<std::size_t count>
void write(SQLite::Statement& statement, const std::array<const char*, count>& columns,
           const NamedRow& row, const std::optional<std::string>& id) {
  Use use{statement};
  for (std::size_t i = 0; i < count; ++i) {
    bind(statement, static_cast<int>(i) + 1, row.at(columns.at(i)));
  }
  if (id) statement.bind(static_cast<int>(count) + 1, *id);
  use.run();
}

std::optional<std::string> as_text(const StoredValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return std::nullopt;
}

bool prices_agree(const NamedRow& row) {
  return price_agrees(model::LitrePrice{number_of(row, "price_cents_per_litre")},
                      text_of(row, "price_per_ml_at_pour"));
}

bool finished_and_proven(const NamedRow& row) {
  std::vector<std::optional<std::string>> content;
  for (const std::string_view column : hashed_columns()) {
    content.push_back(as_text(row.at(std::string{column})));
  }
  return prices_agree(row) && chain_hash(content) == text_of(row, "hash");
}

bool is_time(const NamedRow& row, const char* column) {
  return model::parse_iso8601(text_of(row, column)).has_value();
}

/// A row that every start can read.
bool open_and_readable(const NamedRow& row) {
  return is_time(row, "start_ts") && is_time(row, "end_ts") && is_time(row, "created_at") &&
         model::CardUid::parse(text_of(row, "card_uid")).has_value() &&
         !text_of(row, "boot_id").empty();
}

/// An open row has no hash yet, but its numbers follow from each other.
bool open_and_plausible(const NamedRow& row) {
  const std::int64_t volume = number_of(row, "volume_ml");
  const auto id = model::ClientTxId::parse(text_of(row, "client_tx_id"));
  constexpr std::int64_t largest = 1'000'000;
  if (!id || !prices_agree(row) || volume < 0 || volume > largest) return false;
  const model::LitrePrice price{number_of(row, "price_cents_per_litre")};
  return open_and_readable(row) && id->short_id() == text_of(row, "short_id") &&
         model::price_of(model::Volume::millilitres(volume), price).minor_units() ==
             number_of(row, "price_cents");
}

/// A place far ahead of where the row can stand is spoilt: it gets the next one.
void doubt_place(NamedRow& row, std::int64_t about) {
  constexpr std::int64_t most_ahead = 1'000;
  if (number_of(row, "pour_seq") > about + most_ahead) row["pour_seq"] = std::int64_t{0};
}

// Staff have sent it again, see pour_rows.hpp.
bool is_sent_again(const NamedRow& row) {
  const std::string outcome = text_of(row, "server_outcome");
  return outcome.starts_with(again_word) || (number_of(row, "attempts") == 0 && !outcome.empty());
}

constexpr std::string_view had_it = "the damaged ledger had it as";

std::string take_index(SQLite::Database& good) {
  std::string sql =
      good.execAndGet("SELECT sql FROM sqlite_schema WHERE name = 'pours_one_open_per_tap'")
          .getString();
  good.exec("DROP INDEX pours_one_open_per_tap");
  return sql;
}

/// A pour that the backup holds open and whose end is lost cannot stand open beside a newer one of
/// its tap: it ends at its last known progress.
void finish_doubled(SQLite::Database& good) {
  const bool doubled =
      good.execAndGet("SELECT count(*) > count(DISTINCT tap_id) FROM pours WHERE status = 'open'")
          .getInt() != 0;
  if (doubled) static_cast<void>(Pours{good}.finish_open());
}

}  // namespace

PourSalvage::PourSalvage(SQLite::Database& good)
    : good_{good},
      shape_{good, "pours"},
      index_{take_index(good)},
      known_{good, "SELECT status FROM pours WHERE client_tx_id = ?1"},
      number_taken_{good, "SELECT 1 FROM pours WHERE chain_no = ?1"},
      begin_{good, insertion()},
      progress_{good, update(progressed)},
      finish_{good, update(sealed)},
      send_{good, "UPDATE pours SET status = 'sent' WHERE client_tx_id = ?1 AND status = 'new'"},
      park_{good,
            fmt::format("UPDATE pours SET status = 'failed', attempts = max(attempts, 1),"
                        " server_outcome = '{}', last_error = ?2, next_attempt_at = NULL,"
                        " next_attempt_boot = NULL,"
                        " settled_marker = iif(?4, (SELECT max(marker, 1) FROM server_knowledge),"
                        " NULL) WHERE client_tx_id = ?1"
                        " AND (status = 'sent' OR (status = 'failed' AND server_outcome <> ?3))",
                        storage::parked)},
      unpark_{good,
              "UPDATE pours SET status = 'new', attempts = 0, settled_marker = NULL"
              " WHERE client_tx_id = ?1 AND status = 'failed'"},
      again_{good,
             "UPDATE pours SET server_outcome = ?2 WHERE client_tx_id = ?1"
             " AND status IN ('new', 'sent')"} {
  SQLite::Statement newest{good,
                           "SELECT tap_id, max(pour_seq) FROM pours WHERE status <> 'open'"
                           " GROUP BY tap_id"};
  while (newest.executeStep()) {
    note_newest(newest.getColumn(0).getInt64(), newest.getColumn(1).getInt64());
  }
}

void PourSalvage::note_newest(std::int64_t tap, std::int64_t seq) {
  std::int64_t& newest = newest_[tap];
  newest = std::max(newest, seq);
}

std::string PourSalvage::status_of(const std::string& id) {
  Use known{known_, id};
  return known.next() ? known.text() : std::string{};
}

bool PourSalvage::known_finished(const std::string& id) {
  const std::string status = status_of(id);
  return !status.empty() && status != "open";
}

void PourSalvage::take(StoredRecord record) {
  NamedRow row = shape_.named(std::move(record));
  const std::string id = text_of(row, "client_tx_id");
  if (text_of(row, "status").empty() || !model::ClientTxId::parse(id)) return;
  const bool known = known_finished(id);
  if (known && has_stood(number_of(row, "chain_no"))) return;
  if (text_of(row, "status") == "open" && std::holds_alternative<std::monostate>(row.at("hash"))) {
    if (known) return;
    if (open_and_plausible(row)) {
      take_open(id, std::move(row));
    } else {
      spoilt_.insert(id);
    }
    return;
  }
  if (!finished_and_proven(row)) {
    if (!known) spoilt_.insert(id);
    return;
  }
  if (!known) {
    doubt_place(row, number_of(row, "chain_no"));
    note_newest(number_of(row, "tap_id"), number_of(row, "pour_seq"));
    finished_ += put(row, true) ? 1 : 0;
  }
  stand(id, row);
}

bool PourSalvage::has_stood(std::int64_t chain_no) const {
  const auto place = static_cast<std::size_t>(chain_no);
  return chain_no > 0 && place < stood_.size() && stood_[place];
}

// How far a pour got with the server is in no hash, and its newest image alone tells it. Sent again
// for nothing it costs a request, for the server knows what it has. Not so what staff have taken
// out of the queue: of that the server may never have heard, and who paid for it at the bar would
// pay twice.
void PourSalvage::stand(const std::string& id, const NamedRow& row) {
  const auto place = static_cast<std::size_t>(number_of(row, "chain_no"));
  if (has_stood(number_of(row, "chain_no"))) return;
  if (stood_.size() <= place) stood_.resize(place + 1);
  stood_[place] = true;
  const std::string status = text_of(row, "status");
  const std::string outcome = text_of(row, "server_outcome");
  const bool confirmed = status == "confirmed";
  if (status == "failed" || (confirmed && (outcome == booked_by_hand || outcome == audit_only))) {
    return park(id, row);
  }
  // Later than a parking that the backup knows of: an older image would not say so.
  const bool again = is_sent_again(row);
  const bool unparked = (confirmed || again) && Use{unpark_, id}.run() == 1;
  if (!unparked && (confirmed || !again)) return;
  // The authorization that the row was poured with is used up.
  Use{again_, id, outcome.starts_with(again_word) ? outcome : std::string{again_word} + outcome}
      .run();
}

// Staff are told of a row that the backup had as failed, too: what became of it since, nobody knows
// for certain.
void PourSalvage::park(const std::string& id, const NamedRow& row) {
  const std::string outcome = text_of(row, "server_outcome");
  std::string why = text_of(row, "last_error");
  if (!why.starts_with(had_it)) {  // A restoring before this one has said it.
    why = fmt::format("{} {}: {}: {}", had_it, text_of(row, "status"), outcome, why);
  }
  const bool settled = number_of(row, "settled_marker") != 0;
  Use{send_, id}.run();
  Use{park_, id, short_note(why), outcome, settled}.run();
  if (status_of(id) == "failed") {
    parked_.push_back(model::ClientTxId::parse(id).value().short_id());
  }
}

void PourSalvage::take_open(const std::string& id, NamedRow row) {
  const auto known = open_.find(id);
  if (known == open_.end()) {
    open_.emplace(id, std::move(row));
  } else if (number_of(known->second, "end_mono_ns") < number_of(row, "end_mono_ns")) {
    known->second = std::move(row);
  }
}

bool PourSalvage::put(const NamedRow& row, bool finished) {
  const std::string id = text_of(row, "client_tx_id");
  if (finished) {
    if (Use taken{number_taken_, number_of(row, "chain_no")}; taken.next()) return false;
  }
  const bool there = Use{known_, id}.next();
  if (!there) write(begin_, begun, row, std::nullopt);
  write(progress_, progressed, row, id);
  if (finished) write(finish_, sealed, row, id);
  return !there || finished;
}

/// Nothing proves the rest of an open row: one that breaks a rule of its table is spoilt.
void PourSalvage::put_open(const std::string& id, const NamedRow& row) {
  good_.exec("SAVEPOINT open_pour");
  try {
    opened_ += put(row, false) ? 1 : 0;
  } catch (const SQLite::Exception& error) {
    if (error.getErrorCode() != SQLITE_CONSTRAINT) throw;
    good_.exec("ROLLBACK TO open_pour");
    spoilt_.insert(id);
  }
  good_.exec("RELEASE open_pour");
}

void PourSalvage::finish() {
  std::int64_t last = 0;
  for (const auto& [tap, seq] : newest_) last = std::max(last, seq);
  for (const auto& [id, row] : open_) {
    note_newest(number_of(row, "tap_id"), number_of(row, "pour_seq"));
  }
  for (auto& [id, row] : open_) {
    const bool newest = newest_[number_of(row, "tap_id")] == number_of(row, "pour_seq");
    if (!newest || known_finished(id)) continue;
    doubt_place(row, last);
    put_open(id, row);
  }
  open_.clear();
  finish_doubled(good_);
  good_.exec(index_);
}

std::vector<std::string> PourSalvage::unreadable() {
  std::vector<std::string> receipts;
  for (const std::string& id : spoilt_) {
    if (!Use{known_, id}.next()) {
      receipts.push_back(model::ClientTxId::parse(id).value().short_id());
    }
  }
  return receipts;
}

}  // namespace tapd::storage
