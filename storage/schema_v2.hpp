// Version 2 of the schema: what each pour counts as under the serving limits.
#pragma once

namespace tapd::storage {

extern const char* const schema_v2_up;
extern const char* const schema_v2_down;

}  // namespace tapd::storage
