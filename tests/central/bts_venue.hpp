// The strict mode: a venue that answers as the existing Beer Tap System server does, in the points
// of the wire contract's facts. One bad row spoils its whole batch, a card that is locked on
// another tap makes it 409 with the rows before booked and unnamed, upper-case UIDs are a 500 in
// plain text, locks never expire, a row without a live authorization is noted and not charged, and
// there is no snapshot. It works on the tables of the reference venue.
#pragma once

#include <string>

#include "tests/central/venue.hpp"

namespace tapd::central {

class BtsVenue final : public Venue {
 public:
  BtsVenue(ConnectionPool& pool, const ServingPolicy& policy) : pool_{pool}, policy_{policy} {}

  Reply authorize_pour(const std::string& body) override;
  Reply sync_pours(const std::string& body) override;
  Reply register_controller(const std::string& body) override;
  Reply record_flow_event(const std::string& body) override;
  Reply system_status() override;
  Reply snapshot(const std::string& controller_id, const SnapshotAsk& ask) override;

 private:
  ConnectionPool& pool_;
  ServingPolicy policy_;
};

}  // namespace tapd::central
