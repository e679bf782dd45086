// GET /api/controllers/{id}/snapshot: everything a controller needs to serve guests while the
// network is away, as of one moment, or what changed in it since a revision. The ETag is made of
// the installation and its revision, which moves in the transaction that changes the data, so an
// unchanged ETag means unchanged data and costs one short query. The shape is in docs/wire.md.
#pragma once

#include <string>

#include "tests/central/database.hpp"
#include "tests/central/reply.hpp"

namespace tapd::central {

struct SnapshotAsk {
  std::string if_none_match{};  ///< The header, may be empty.
  std::string since{};          ///< The query's, may be empty.
};

/// 304 when `if_none_match` names the ETag of what is there now. Else 200: with the changes when
/// `since` is a revision that is still known and `if_none_match` names its ETag (another venue's
/// revision of the same number does not), otherwise with the whole snapshot.
[[nodiscard]] Reply take_snapshot(Connection& connection, const SnapshotAsk& ask);

/// True when a header If-None-Match holds `etag`, weak or strong, or "*" (RFC 9110, 13.1.2).
[[nodiscard]] bool matches_etag(const std::string& if_none_match, const std::string& etag);

}  // namespace tapd::central
