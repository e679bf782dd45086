#include "tests/central/venue.hpp"

#include "tests/central/pour_booking.hpp"
#include "tests/central/telemetry.hpp"

namespace tapd::central {

Reply ReferenceVenue::authorize_pour(const std::string& body) {
  return central::authorize_pour(*pool_.acquire(), policy_, body);
}

Reply ReferenceVenue::sync_pours(const std::string& body) {
  return central::sync_pours(*pool_.acquire(), body);
}

Reply ReferenceVenue::register_controller(const std::string& body) {
  return central::register_controller(*pool_.acquire(), body);
}

Reply ReferenceVenue::record_flow_event(const std::string& body) {
  return central::record_flow_event(*pool_.acquire(), body);
}

Reply ReferenceVenue::system_status() {
  return central::system_status(*pool_.acquire());
}

Reply ReferenceVenue::snapshot(const std::string& /*controller_id*/, const SnapshotAsk& ask) {
  // Every controller of the venue gets the same snapshot; the id is in the path for the log.
  return take_snapshot(*pool_.acquire(), ask);
}

}  // namespace tapd::central
