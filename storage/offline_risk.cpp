#include "storage/offline_risk.hpp"

#include "storage/statement.hpp"

namespace tapd::storage {
namespace {

// A failed row is a known loss, no risk any more. "status <> 'confirmed'" is what the partial index
// wants to hear.
const char* const sum_of_all =
    "SELECT count(*) FILTER (WHERE status = 'open' OR volume_ml > 0), coalesce(sum(iif(status = "
    "'open', max(hold_cents, price_cents),"
    " price_cents)), 0) FROM pours WHERE status <> 'confirmed'"
    " AND status IN ('open', 'new', 'sent') AND authorized_by = 'cache'";
const char* const sum_of_guest =
    "SELECT count(*) FILTER (WHERE status = 'open' OR volume_ml > 0), coalesce(sum(iif(status = "
    "'open', max(hold_cents, price_cents),"
    " price_cents)), 0) FROM pours WHERE guest_id = ?1 AND settled_marker IS NULL"
    " AND status IN ('open', 'new', 'sent') AND authorized_by = 'cache'";

model::OfflineSpending read(Use row) {
  model::OfflineSpending spending;
  if (!row.next()) return spending;
  spending.pours = row.integer();
  spending.spent = model::Money{row.integer()};
  return spending;
}

}  // namespace

OfflineRisk::OfflineRisk(SQLite::Database& database)
    : of_guest_{database, sum_of_guest}, of_all_{database, sum_of_all} {}

void OfflineRisk::add_to(model::AuthorizationFacts& facts) {
  add_guest(facts);
  facts.offline_controller = of_everybody();
}

void OfflineRisk::add_guest(model::AuthorizationFacts& facts) {
  if (facts.guest) facts.offline_guest = read(Use{of_guest_, facts.guest->id.text()});
}

model::OfflineSpending OfflineRisk::of_everybody() {
  return read(Use{of_all_});
}

}  // namespace tapd::storage
