// Rows of a damaged file by the names of their columns: what a table of the good ledger looks like,
// whether a stored record may be a row of it, and its values. Used while a ledger is salvaged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "storage/page_scan.hpp"

namespace tapd::storage {

/// The values of one row by their columns.
using NamedRow = std::map<std::string, StoredValue>;

/// Empty for anything but a text; 0 for anything but a number. The column must be there.
[[nodiscard]] std::string text_of(const NamedRow& row, const std::string& column);
[[nodiscard]] std::int64_t number_of(const NamedRow& row, const std::string& column);

/// The columns of a table as the good ledger has them.
class TableShape {
 public:
  TableShape(SQLite::Database& database, std::string table);

  [[nodiscard]] const std::string& table() const { return table_; }
  [[nodiscard]] const std::vector<std::string>& columns() const { return names_; }
  /// The record may be a row of this table: as many columns, of the right types.
  [[nodiscard]] bool fits(const StoredRecord& record) const;
  [[nodiscard]] NamedRow named(StoredRecord record) const;

 private:
  std::string table_;
  std::vector<std::string> names_;
  std::vector<bool> is_text_;
  std::optional<std::size_t> rowid_;  ///< The column that stands for the row's id.
};

void bind(SQLite::Statement& statement, int index, const StoredValue& value);

/// "?1, ?2, ..."
[[nodiscard]] std::string places(std::size_t count);

}  // namespace tapd::storage
