// New identifiers for the server's own rows. The dictionary has the application make them, not the
// database.
#pragma once

#include <string>

namespace tapd::central {

/// A version 4 UUID from the kernel's random numbers, canonical, lower case. Any thread.
[[nodiscard]] std::string new_uuid();

}  // namespace tapd::central
