// The small books: `meta` values, the append-only audit log, and the clock of each boot. Used by
// the ledger, inside a transaction; throws Refusal and SQLite's exceptions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/model/records.hpp"

namespace tapd::storage {

/// Marks in `meta`, one a tap ("staff_lock.3"): why staff closed it, what it closed by itself, and
/// what staff measured ("configured measured", nanolitres a pulse). A restored ledger keeps them.
inline constexpr std::string_view staff_lock = "staff_lock";
inline constexpr std::string_view own_closings = "closed";
inline constexpr std::string_view staff_calibration = "staff_calibration";

class Notes {
 public:
  explicit Notes(SQLite::Database& database);

  // Meanings are those of the ledger's functions of the same names.
  [[nodiscard]] std::optional<std::string> meta(const std::string& key);
  void set_meta(const std::string& key, const std::string& value);
  void audit(const std::string& who, const std::string& action, const std::string& target,
             const std::string& details, const model::Moment& at);
  void note_clock(const model::Moment& now, const model::BootId& boot);

 private:
  SQLite::Statement read_;
  SQLite::Statement write_;
  SQLite::Statement audit_;
  SQLite::Statement note_clock_;
};

}  // namespace tapd::storage
