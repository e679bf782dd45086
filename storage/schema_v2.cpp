#include "storage/schema_v2.hpp"

namespace tapd::storage {

// Only venues with serving limits fill it. pour_seq is the pour's; limit_ml the most that it may
// come to while it is open; lifted_by the service card that lifted the limits for it.
const char* const schema_v2_up = R"sql(
CREATE TABLE servings (
  pour_seq INTEGER PRIMARY KEY,
  guest_id TEXT NOT NULL CHECK (guest_id <> ''),
  category TEXT NOT NULL,
  limit_ml INTEGER NOT NULL CHECK (limit_ml >= 0),
  lifted_by TEXT CHECK (length(lifted_by) IN (8, 14, 20))
) STRICT;
CREATE INDEX servings_by_guest ON servings (guest_id, pour_seq);
)sql";

const char* const schema_v2_down = R"sql(
DROP TABLE servings;
)sql";

}  // namespace tapd::storage
