// The endpoints of a venue server, without HTTP. The HTTP side calls it from several threads at
// once and turns each Reply into an answer; an implementation decides what the answer is. The
// reference venue below is the first one; a stricter one that answers as the existing server does
// is another implementation of the same interface.
#pragma once

#include <string>

#include "tests/central/authorize.hpp"
#include "tests/central/database.hpp"
#include "tests/central/reply.hpp"
#include "tests/central/snapshot.hpp"

namespace tapd::central {

/// What a controller can ask. Bodies are as received. Implementations may throw DatabaseError,
/// which becomes 503 (no connection) or 500.
class Venue {
 public:
  Venue() = default;
  Venue(const Venue&) = delete;
  Venue& operator=(const Venue&) = delete;
  virtual ~Venue() = default;

  virtual Reply authorize_pour(const std::string& body) = 0;
  virtual Reply sync_pours(const std::string& body) = 0;
  virtual Reply register_controller(const std::string& body) = 0;
  virtual Reply record_flow_event(const std::string& body) = 0;
  virtual Reply system_status() = 0;
  virtual Reply snapshot(const std::string& controller_id, const SnapshotAsk& ask) = 0;
};

/// The venue as the wire contract's "mended" paragraphs describe it.
class ReferenceVenue final : public Venue {
 public:
  ReferenceVenue(ConnectionPool& pool, const ServingPolicy& policy)
      : pool_{pool}, policy_{policy} {}

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
