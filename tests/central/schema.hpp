// The tables of the venue server: the central half of the data dictionary, and what the reference
// server adds to judge repeats, hold authorizations and number its snapshots. Called once at
// start-up; safe when several servers start at once, and on a database that already has them.
#pragma once

#include "tests/central/database.hpp"

namespace tapd::central {

/// Creates whatever is missing, in one transaction. Throws DatabaseError.
void create_schema(Connection& connection);

}  // namespace tapd::central
