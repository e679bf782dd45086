#include "storage/schema_v3.hpp"

#include <stdexcept>

#include <fmt/format.h>

#include "storage/schema_v1.hpp"

namespace tapd::storage {
namespace {

std::string exchanged(std::string text, std::string_view old, std::string_view now) {
  const auto at = text.find(old);
  if (at == std::string::npos) throw std::logic_error{"the schema of version 1 was edited"};
  return text.replace(at, old.size(), now);
}

// SQLite cannot take a rule out of a table. The names of indexes and triggers are free again when
// the old table is gone. What may be undone alone, a row that breaks a rule or the fall of a full
// table, SQLite notes in memory, as much as there are pours: so a broken rule undoes the whole
// step, and the table is emptied first, which no trigger may forbid then.
std::string made_anew(std::string_view table, std::string_view rules) {
  return fmt::format(
      "ALTER TABLE pours RENAME TO pours_before;\n"
      "{}"
      "INSERT OR ROLLBACK INTO pours SELECT * FROM pours_before;\n"
      "DROP TRIGGER pours_stay;\n"
      "DELETE FROM pours_before;\n"
      "DROP TABLE pours_before;\n"
      "{}",
      table, rules);
}

}  // namespace

std::string schema_v3_up() {
  const std::string table =
      exchanged(pours_of_v1, "chain_no INTEGER UNIQUE CHECK", "chain_no INTEGER CHECK");
  const std::string rules =
      exchanged(pour_rules_of_v1, "(SELECT max(chain_no) FROM pours)",
                "(SELECT max(chain_no) FROM pours WHERE chain_no IS NOT NULL)");
  return made_anew(table,
                   "CREATE UNIQUE INDEX pours_chain ON pours (chain_no)"
                   " WHERE chain_no IS NOT NULL;\n" +
                       rules);
}

std::string schema_v3_down() {
  return made_anew(pours_of_v1, pour_rules_of_v1);
}

}  // namespace tapd::storage
