// The venue of the fault schedules, backed by the reference server on PostgreSQL instead of by
// memory: the network's faults stay those of the play, in virtual time; what the venue does with a
// request that arrives is done by the real server, which is now and then started anew, and by a
// database that now and then crashes.
#pragma once

#include <memory>

#include "tests/central/central_server.hpp"
#include "tests/central/database.hpp"
#include "tests/conformance/kit.hpp"
#include "tests/support/postgres_cluster.hpp"
#include "tests/sync/samples.hpp"
#include "tests/sync/venue.hpp"

namespace tapd::conformance {

class ServedVenue : public sync::test::Venue {
 public:
  /// The cluster must outlive it.
  explicit ServedVenue(test::PostgresCluster& cluster);

  /// Empties the database and gives every guest of `balances` a card and the money; the server is
  /// the strict one when there is no snapshot.
  void open(std::uint64_t seed) override;
  /// Carries the request to the server and reads what it booked.
  [[nodiscard]] sync::HttpResponse answer(const sync::HttpRequest& request) override;
  /// What the database says beyond `booked` and `balances`; empty: nothing is wrong.
  [[nodiscard]] std::string objection() override;

  [[nodiscard]] int server_restarts() const { return server_restarts_; }
  [[nodiscard]] int database_crashes() const { return database_crashes_; }

 private:
  void start_server();
  void trouble();
  void read_books();

  test::PostgresCluster& cluster_;
  sync::test::Dice dice_{0};
  std::unique_ptr<central::Connection> looks_;
  std::unique_ptr<central::CentralServer> server_;
  Call call_;
  int server_restarts_{0};
  int database_crashes_{0};
};

}  // namespace tapd::conformance
