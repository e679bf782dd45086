// The only clock of the venue server outside the database: controllers compare the Date header of
// its answers with their own clock.
#pragma once

#include <string>

namespace tapd::central {

/// The time of day as HTTP writes it (RFC 9110, 5.6.7): "Sat, 21 Nov 2026 10:00:00 GMT".
[[nodiscard]] std::string http_date_now();

}  // namespace tapd::central
