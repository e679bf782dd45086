#include "storage/hearings.hpp"

#include "storage/errors.hpp"
#include "storage/pour_rows.hpp"

namespace tapd::storage {

Hearings::Hearings(SQLite::Database& database, Commits& commits)
    : commits_{commits},
      read_{database,
            "SELECT snapshot_revision, snapshot_asked, snapshot_heard_at, snapshot_heard_mono_ns,"
            " snapshot_clock_trusted, snapshot_heard_boot FROM server_knowledge"
            " WHERE snapshot_asked IS NOT NULL"},
      write_{database,
             "UPDATE server_knowledge SET snapshot_revision = ?1, snapshot_asked = ?2,"
             " snapshot_heard_at = ?3, snapshot_heard_mono_ns = ?4, snapshot_clock_trusted = ?5,"
             " snapshot_heard_boot = ?6"} {}

std::optional<Hearing> Hearings::snapshot() {
  Use row{read_};
  if (!row.next()) return std::nullopt;
  static_cast<void>(row.integer());  // The revision.
  Hearing written;
  written.asked = row.integer();
  written.at = read_moment(row);
  written.boot = model::BootId{row.text()};
  // What is in memory was heard since, unless the file says that more was asked.
  return newest_ && newest_->asked >= written.asked ? newest_ : written;
}

void Hearings::hear_snapshot(const Hearing& heard, std::int64_t revision, bool changed) {
  bool worth_writing = changed;
  if (Use row{read_}; row.next()) {
    const std::int64_t written_revision = row.integer();
    const Marker written_asked = row.integer();
    const model::Moment written_at = read_moment(row);
    worth_writing |= written_revision != revision || written_asked != heard.asked ||
                     model::BootId{row.text()} != heard.boot ||
                     heard.at.since_boot - written_at.since_boot >= written_alone;
  } else {
    worth_writing = true;
  }
  if (worth_writing) write(heard, revision);
  commits_.after_commit([this, heard] { newest_ = heard; });
}

void Hearings::hear_again(const Hearing& heard) {
  std::int64_t revision = 0;
  {
    Use row{read_};
    if (!row.next()) throw Refusal{"there is no snapshot yet that could still be true"};
    revision = row.integer();
    if (row.integer() > heard.asked) return;  // An answer that was overtaken.
  }
  hear_snapshot(heard, revision, false);
}

void Hearings::keep(std::chrono::nanoseconds least) {
  if (!newest_) return;
  std::int64_t revision = 0;
  {
    Use row{read_};
    if (!row.next()) return;
    revision = row.integer();
    if (row.integer() > newest_->asked) return;
    const model::Moment written_at = read_moment(row);
    const bool same_boot = model::BootId{row.text()} == newest_->boot;
    if (same_boot && newest_->at.since_boot - written_at.since_boot < least) return;
  }
  write(*newest_, revision);
}

void Hearings::write(const Hearing& heard, std::int64_t revision) {
  Use{write_,
      revision,
      heard.asked,
      model::to_iso8601(heard.at.wall),
      std::int64_t{heard.at.since_boot.count()},
      heard.at.wall_trusted,
      heard.boot.text()}
      .run();
}

model::Moment read_moment(Use& row) {
  model::Moment moment;
  moment.wall = read_wall_time(row.text());
  moment.since_boot = model::SinceBoot{row.integer()};
  moment.wall_trusted = row.flag();
  return moment;
}

}  // namespace tapd::storage
