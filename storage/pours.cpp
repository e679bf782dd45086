#include "storage/pours.hpp"

#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "storage/chain.hpp"
#include "storage/errors.hpp"
#include "storage/pour_rows.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

std::string content_query() {
  std::string columns;
  for (const std::string_view column : hashed_columns()) {
    columns += fmt::format("{}CAST({} AS TEXT)", columns.empty() ? "" : ", ", column);
  }
  return fmt::format("SELECT {} FROM pours WHERE client_tx_id = ?1", columns);
}

std::int64_t row_limit(std::size_t most) {
  constexpr std::size_t largest_answer = 10'000;
  return static_cast<std::int64_t>(std::min(most, largest_answer));
}

std::vector<model::Pour> read_all(Use&& rows) {
  std::vector<model::Pour> pours;
  while (rows.next()) pours.push_back(read_pour(rows));
  return pours;
}

}  // namespace

Pours::Pours(SQLite::Database& database)
    : insert_{database,
              "INSERT INTO pours (client_tx_id, short_id, guest_id, card_uid, tap_id, keg_id,"
              " authorized_by, price_per_ml_at_pour, price_cents_per_litre, hold_cents,"
              " calibration_id, boot_id, start_ts, start_mono_ns, clock_trusted,"
              " created_at, end_ts, end_mono_ns)"
              " VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, ''), ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
              " ?15, ?13, ?13, ?14)"},
      tap_in_use_{database, "SELECT client_tx_id FROM pours WHERE tap_id = ?1 AND status = 'open'"},
      progress_{database,
                "UPDATE pours SET volume_ml = ?2, tail_volume_ml = ?3, price_cents = ?4,"
                " pulses = ?5, edges_lost = ?6, end_mono_ns = ?7, end_ts = ?8,"
                " clock_trusted = min(clock_trusted, ?9), checkpoints = checkpoints + ?10"
                " WHERE client_tx_id = ?1 AND status = 'open' AND volume_ml <= ?2"
                " AND tail_volume_ml <= ?3 AND price_cents <= ?4 AND pulses <= ?5"
                " AND edges_lost <= ?6 AND end_mono_ns <= ?7"},
      state_{database, "SELECT status, volume_ml, pulses FROM pours WHERE client_tx_id = ?1"},
      open_ids_{database,
                "SELECT client_tx_id FROM pours WHERE status <> 'confirmed' AND status = 'open'"
                " ORDER BY pour_seq"},
      chain_end_{database,
                 "SELECT chain_no, hash FROM pours WHERE chain_no IS NOT NULL"
                 " ORDER BY chain_no DESC LIMIT 1"},
      stop_{database,
            "UPDATE pours SET stop_reason = ?2,"
            " duration_ms = (end_mono_ns - start_mono_ns) / 1000000, chain_no = ?3, prev_hash = ?4"
            " WHERE client_tx_id = ?1 AND status = 'open'"},
      content_{database, content_query()},
      seal_{database, "UPDATE pours SET status = 'new', hash = ?2 WHERE client_tx_id = ?1"},
      one_{database, std::string{select_pours} + "WHERE client_tx_id = ?1"},
      newest_{database,
              std::string{select_pours} +
                  "WHERE status <> 'open' AND pour_seq < iif(?2 = '', 9223372036854775807,"
                  " (SELECT pour_seq FROM pours WHERE client_tx_id = ?2))"
                  " ORDER BY pour_seq DESC LIMIT ?1"},
      tails_{database,
             "SELECT tail_volume_ml FROM pours WHERE tap_id = ?1 AND status <> 'open'"
             " AND volume_ml > 0 AND stop_reason <> 'power_loss' ORDER BY pour_seq DESC LIMIT ?2"} {
}

void Pours::begin(const model::PourBegin& begin, const model::BootId& boot) {
  check_begin(begin, boot);
  const std::string& id = begin.client_tx_id.text();
  if (Use known{state_, id}; known.next()) {
    throw Refusal{fmt::format("pour {}: this client_tx_id was used before", id)};
  }
  if (Use open{tap_in_use_, begin.tap_id.number()}; open.next()) {
    throw Refusal{fmt::format("pour {}: tap {} still has the open pour {}; end that one first", id,
                              begin.tap_id.number(), open.text())};
  }
  Use{insert_,
      id,
      begin.client_tx_id.short_id(),
      begin.guest_id.text(),
      begin.card_uid.text(),
      begin.tap_id.number(),
      begin.keg_id.text(),
      model::to_text(begin.authorized_by),
      model::price_per_ml_decimal(begin.price),
      begin.price.minor_per_litre(),
      begin.hold.minor_units(),
      begin.calibration_id,
      boot.text(),
      model::to_iso8601(begin.start.wall),
      std::int64_t{begin.start.since_boot.count()},
      begin.start.wall_trusted}
      .run();
}

void Pours::record_progress(const model::PourProgress& progress) {
  write_progress(progress, true);
}

void Pours::write_progress(const model::PourProgress& progress, bool checkpoint) {
  check_progress(progress);
  const int changed = Use{progress_,
                          progress.client_tx_id.text(),
                          progress.volume.in_millilitres(),
                          progress.tail.in_millilitres(),
                          progress.price.minor_units(),
                          progress.pulses,
                          progress.edges_lost,
                          std::int64_t{progress.at.since_boot.count()},
                          model::to_iso8601(progress.at.wall),
                          progress.at.wall_trusted,
                          checkpoint}
                          .run();
  if (changed != 1) explain(progress);
}

void Pours::explain(const model::PourProgress& progress) {
  const std::string& id = progress.client_tx_id.text();
  Use row{state_, id};
  if (!row.next()) throw Refusal{fmt::format("pour {}: it was never begun", id)};
  if (const std::string status = row.text(); status != "open") {
    throw Refusal{fmt::format("pour {}: it is \"{}\" and no longer open", id, status)};
  }
  const std::int64_t volume = row.integer();
  throw Refusal{
      fmt::format("pour {}: its progress would go backwards (recorded: {} ml, {} "
                  "pulses; now: {}, {} pulses; or price, tail, time)",
                  id, volume, row.integer(), model::to_text(progress.volume), progress.pulses)};
}

model::Pour Pours::end(const model::PourEnd& end) {
  write_progress(end.last, false);
  close(end.last.client_tx_id.text(), end.reason);
  return one(end.last.client_tx_id.text());
}

void Pours::close(const std::string& id, model::StopReason reason) {
  std::int64_t chain_no = 1;
  std::string previous{chain_origin};
  if (Use chain{chain_end_}; chain.next()) {
    chain_no = chain.count() + 1;
    previous = chain.text();
  }
  Use{stop_, id, model::to_text(reason), chain_no, previous}.run();

  std::vector<std::optional<std::string>> content;
  {
    Use row{content_, id};
    if (!row.next()) throw BadRow{fmt::format("pour {} vanished while it was closed", id)};
    for (std::size_t i = 0; i < hashed_columns().size(); ++i) content.push_back(row.text_or_null());
  }
  Use{seal_, id, chain_hash(content)}.run();
}

std::vector<model::Pour> Pours::finish_open() {
  std::vector<std::string> ids;
  {
    Use rows{open_ids_};
    while (rows.next()) ids.push_back(rows.text());
  }
  std::vector<model::Pour> finished;
  for (const std::string& id : ids) {
    close(id, model::StopReason::power_loss);
    finished.push_back(one(id));
  }
  return finished;
}

model::Pour Pours::one(const std::string& id) {
  Use row{one_, id};
  if (!row.next()) throw BadRow{fmt::format("pour {} vanished", id)};
  return read_pour(row);
}

std::vector<model::Pour> Pours::newest(std::size_t most, const std::string& before) {
  return read_all(Use{newest_, row_limit(most), before});
}

std::vector<model::Volume> Pours::recent_tails(model::TapId tap, std::size_t most) {
  std::vector<model::Volume> tails;
  Use rows{tails_, tap.number(), row_limit(most)};
  while (rows.next()) tails.push_back(model::Volume::millilitres(rows.integer()));
  return tails;
}

}  // namespace tapd::storage
