// A prepared statement in use: bound, stepped, and reset whatever happens. Used by the ledger's
// parts, which own their statements and prepare each of them once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <SQLiteCpp/Column.h>
#include <SQLiteCpp/Statement.h>
#include <fmt/format.h>

#include "storage/errors.hpp"

namespace tapd::storage {

inline void bind_value(SQLite::Statement& statement, int index, std::int64_t value) {
  statement.bind(index, value);
}
inline void bind_value(SQLite::Statement& statement, int index, std::int32_t value) {
  statement.bind(index, value);
}
inline void bind_value(SQLite::Statement& statement, int index, bool value) {
  statement.bind(index, value ? 1 : 0);
}
inline void bind_value(SQLite::Statement& statement, int index, const std::string& value) {
  statement.bind(index, value);
}
inline void bind_value(SQLite::Statement& statement, int index, std::string_view value) {
  statement.bind(index, std::string{value});
}
inline void bind_value(SQLite::Statement& statement, int index, const char* value) {
  statement.bind(index, value);
}
template<typename Value>
void bind_value(SQLite::Statement& statement, int index, const std::optional<Value>& value) {
  if (value) {
    bind_value(statement, index, *value);
  } else {
    statement.bind(index);  // NULL.
  }
}

/// An identifier that may be missing, as a value to bind.
template<typename Id>
std::optional<std::string> text_of(const std::optional<Id>& id) {
  return id ? std::optional{id->text()} : std::nullopt;
}

/// One use of a statement. The parameters are bound in order, from 1.
class Use {
 public:
  template<typename... Values>
  explicit Use(SQLite::Statement& statement, const Values&... values) : statement_{statement} {
    [[maybe_unused]] int index = 0;
    (bind_value(statement_, ++index, values), ...);
  }
  ~Use() { statement_.tryReset(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  Use(Use&&) = delete;
  Use& operator=(Use&&) = delete;

  /// True while there is a row to read.
  [[nodiscard]] bool next() {
    column_ = 0;
    return statement_.executeStep();
  }
  /// For statements without rows; how many rows were changed.
  int run() { return statement_.exec(); }

  // The columns of the current row, from left to right, each read once.
  std::int64_t integer() { return column().getInt64(); }
  /// How many there were of something that comes one by one, and one more can be counted. Throws
  /// BadRow for what cannot be.
  std::int64_t count() {
    const SQLite::Column value = column();
    constexpr std::int64_t most = 1LL << 45;  // One each millisecond for a thousand years.
    const std::int64_t number = value.getInt64();
    if (number >= 0 && number <= most) return number;
    throw BadRow{fmt::format("{} holds {}, which means nothing", value.getName(), number)};
  }
  bool flag() { return column().getInt64() != 0; }
  std::string text() { return column().getString(); }
  std::optional<std::int64_t> integer_or_null() {
    const SQLite::Column value = column();
    return value.isNull() ? std::nullopt : std::optional{value.getInt64()};
  }
  std::optional<std::string> text_or_null() {
    const SQLite::Column value = column();
    return value.isNull() ? std::nullopt : std::optional{value.getString()};
  }

 private:
  SQLite::Column column() { return statement_.getColumn(column_++); }

  SQLite::Statement& statement_;
  int column_{0};
};

}  // namespace tapd::storage
