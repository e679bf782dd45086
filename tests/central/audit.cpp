#include "tests/central/audit.hpp"

#include "tests/central/uuid.hpp"

namespace tapd::central {

void audit(Connection& connection, const AuditEntry& entry) {
  connection.run(
      "INSERT INTO audit_logs (log_id, actor_id, action, target_entity, target_id, details)"
      " VALUES ($1, $2, $3, $4, $5, $6)",
      {new_uuid(), entry.actor_id, entry.action, entry.target_entity, entry.target_id,
       entry.details});
}

void deplete_keg(Connection& connection, const std::string& keg_id, std::int64_t volume_ml) {
  connection.run(
      "UPDATE kegs SET current_volume_ml = GREATEST(current_volume_ml - $2::integer, 0),"
      " status = CASE WHEN current_volume_ml > $2::integer THEN 'in_use' ELSE 'empty' END,"
      " tapped_at = COALESCE(tapped_at, now()),"
      " finished_at = CASE WHEN current_volume_ml > $2::integer THEN finished_at"
      "   ELSE COALESCE(finished_at, now()) END"
      " WHERE keg_id = $1",
      {keg_id, volume_ml});
}

}  // namespace tapd::central
