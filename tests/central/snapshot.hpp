// GET /api/controllers/{id}/snapshot: everything a controller needs to serve guests while the
// network is away, as of one moment. The ETag is made of the installation and its revision, which
// moves in the transaction that changes the data, so an unchanged ETag means unchanged data and
// costs one short query. The shape is in docs/wire.md.
#pragma once

#include <string>

#include "tests/central/database.hpp"
#include "tests/central/reply.hpp"

namespace tapd::central {

/// 200 with the snapshot, or 304 when `if_none_match` (the header, may be empty) names its ETag.
[[nodiscard]] Reply take_snapshot(Connection& connection, const std::string& if_none_match);

/// True when a header If-None-Match holds `etag`, weak or strong, or "*" (RFC 9110, 13.1.2).
[[nodiscard]] bool matches_etag(const std::string& if_none_match, const std::string& etag);

}  // namespace tapd::central
