#include "storage/marks.hpp"

#include "storage/errors.hpp"
#include "storage/statement.hpp"

namespace tapd::storage {

Marks::Marks(SQLite::Database& database)
    : current_{database, "SELECT marker FROM server_knowledge"},
      next_{database, "UPDATE server_knowledge SET marker = marker + 1"} {}

Marker Marks::current() {
  Use row{current_};
  if (!row.next()) throw BadRow{"server_knowledge has lost its row"};
  return row.count();
}

Marker Marks::next() {
  Use{next_}.run();
  return current();
}

}  // namespace tapd::storage
