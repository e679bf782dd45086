// Schema version 1 as SQL text (design: data model). Released texts are never edited: a change is a
// new migration.
#pragma once

namespace tapd::storage {

extern const char* const schema_v1_up;
extern const char* const schema_v1_down;

}  // namespace tapd::storage
