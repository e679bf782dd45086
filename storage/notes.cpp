#include "storage/notes.hpp"

#include "storage/errors.hpp"
#include "storage/pour_rows.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {

Notes::Notes(SQLite::Database& database)
    : read_{database, "SELECT value FROM meta WHERE key = ?1"},
      write_{database,
             "INSERT INTO meta (key, value) VALUES (?1, ?2)"
             " ON CONFLICT (key) DO UPDATE SET value = ?2 WHERE value <> ?2"},
      audit_{database,
             "INSERT INTO audit_log (actor, action, target, details, at_ts, at_mono_ns,"
             " clock_trusted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
      note_clock_{database,
                  "INSERT INTO clock_marks (boot_id, boot_wall_ms, noted_at) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (boot_id) DO NOTHING"} {}

std::optional<std::string> Notes::meta(const std::string& key) {
  Use row{read_, key};
  return row.next() ? std::optional{row.text()} : std::nullopt;
}

void Notes::set_meta(const std::string& key, const std::string& value) {
  if (key == "schema_version") throw Refusal{"schema_version is set by migrations only"};
  Use{write_, key, value}.run();
}

void Notes::audit(const std::string& who, const std::string& action, const std::string& target,
                  const std::string& details, const model::Moment& at) {
  Use{audit_,
      who,
      action,
      target,
      details,
      model::to_iso8601(at.wall),
      std::int64_t{at.since_boot.count()},
      at.wall_trusted}
      .run();
}

void Notes::note_clock(const model::Moment& now, const model::BootId& boot) {
  if (!now.wall_trusted) throw Refusal{"a clock that is not trusted dates nothing"};
  Use{note_clock_, boot.text(), milliseconds_of(wall_time_of_boot(now)),
      model::to_iso8601(now.wall)}
      .run();
}

}  // namespace tapd::storage
