// Two changes that several parts of the server make inside their own transactions: a line in the
// audit log, and liquid that leaves a keg. Both belong to the caller's transaction.
#pragma once

#include <cstdint>
#include <string>

#include "tests/central/database.hpp"

namespace tapd::central {

/// One line of audit_logs (data dictionary).
struct AuditEntry {
  std::string actor_id;
  std::string action;
  std::string target_entity;
  std::string target_id;
  std::string details;  ///< JSON.
};

void audit(Connection& connection, const AuditEntry& entry);

/// Takes `volume_ml` out of a keg. The dictionary has no negative volumes: a keg that gives more
/// than the books say ends at zero and counts as empty; the pours keep the truth.
void deplete_keg(Connection& connection, const std::string& keg_id, std::int64_t volume_ml);

}  // namespace tapd::central
