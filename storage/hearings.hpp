// When and in answer to what the last snapshot was heard. Kept in memory as it is heard again and
// again, and written only when it matters, because an idle venue must not wear the SD card out.
// Used by the cache and the snapshot, inside a transaction.
#pragma once

#include <optional>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/commits.hpp"
#include "storage/ledger.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {

/// What was asked, and when the answer came.
struct Hearing {
  Marker asked{0};
  model::Moment at;
  model::BootId boot;
};

class Hearings {
 public:
  /// A hearing that says nothing new is written along with the next pour when the one on disk is
  /// older than this, at a clean end, and by itself once a day only: an idle hour writes nothing,
  /// and after a power cut the snapshot looks at most a day older than it is.
  static constexpr std::chrono::minutes written_along{10};
  static constexpr std::chrono::hours written_alone{24};

  Hearings(SQLite::Database& database, Commits& commits);

  /// The last snapshot; none: there never was one.
  [[nodiscard]] std::optional<Hearing> snapshot();
  /// Notes that a snapshot of `revision` was heard; `changed`: it changed the cache.
  void hear_snapshot(const Hearing& heard, std::int64_t revision, bool changed);
  /// Notes that the last snapshot is still what the server says.
  void hear_again(const Hearing& heard);
  /// Writes what was heard last when the file is behind by `least` or more.
  void keep(std::chrono::nanoseconds least);

 private:
  void write(const Hearing& heard, std::int64_t revision);

  Commits& commits_;
  SQLite::Statement read_;
  SQLite::Statement write_;
  std::optional<Hearing> newest_;
};

/// Reads three columns: wall time, nanoseconds since boot, whether the clock was trusted.
[[nodiscard]] model::Moment read_moment(Use& row);

}  // namespace tapd::storage
