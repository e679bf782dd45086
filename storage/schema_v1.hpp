// Schema version 1 as SQL text (design: data model). Released texts are never edited: a change is a
// new migration.
#pragma once

#include <string>

namespace tapd::storage {

[[nodiscard]] std::string schema_v1_up();
extern const char* const schema_v1_down;

/// The table of pours, and its indexes and triggers: parts of the whole that version 3 makes anew.
extern const char* const pours_of_v1;
extern const char* const pour_rules_of_v1;

}  // namespace tapd::storage
