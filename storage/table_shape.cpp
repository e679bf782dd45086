#include "storage/table_shape.hpp"

#include <utility>

#include <fmt/format.h>

namespace tapd::storage {

std::string text_of(const NamedRow& row, const std::string& column) {
  const auto* text = std::get_if<std::string>(&row.at(column));
  return text == nullptr ? std::string{} : *text;
}

std::int64_t number_of(const NamedRow& row, const std::string& column) {
  const auto* number = std::get_if<std::int64_t>(&row.at(column));
  return number == nullptr ? 0 : *number;
}

TableShape::TableShape(SQLite::Database& database, std::string table) : table_{std::move(table)} {
  SQLite::Statement columns{database, "SELECT name, type, pk FROM pragma_table_info(?1)"};
  columns.bind(1, table_);
  while (columns.executeStep()) {
    const bool text = columns.getColumn(1).getString() == "TEXT";
    if (!text && columns.getColumn(2).getInt() == 1) rowid_ = names_.size();
    names_.push_back(columns.getColumn(0).getString());
    is_text_.push_back(text);
  }
}

bool TableShape::fits(const StoredRecord& record) const {
  if (record.values.size() != names_.size()) return false;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (std::holds_alternative<std::monostate>(record.values[i])) continue;
    if (std::holds_alternative<std::string>(record.values[i]) != is_text_[i]) return false;
  }
  return true;
}

NamedRow TableShape::named(StoredRecord record) const {
  NamedRow row;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    row[names_[i]] = rowid_ == i ? StoredValue{record.rowid} : std::move(record.values[i]);
  }
  return row;
}

void bind(SQLite::Statement& statement, int index, const StoredValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    statement.bind(index, *text);
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    statement.bind(index, *number);
  } else {
    statement.bind(index);
  }
}

std::string places(std::size_t count) {
  std::string text = "?1";
  for (std::size_t i = 2; i <= count; ++i) text += fmt::format(", ?{}", i);
  return text;
}

}  // namespace tapd::storage
