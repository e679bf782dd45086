#include "tests/central/central_server.hpp"

#include <fmt/format.h>

#include "tests/central/bts_venue.hpp"
#include "tests/central/schema.hpp"
#include "tests/central/seed.hpp"

namespace tapd::central {
namespace {

/// Makes the tables before the first request can ask for them.
std::string prepared(const CentralOptions& options) {
  Connection connection{options.database_url};
  create_schema(connection);
  if (!options.seed_file.empty()) load_seed_file(connection, options.seed_file);
  return options.database_url;
}

std::unique_ptr<Venue> venue_for(const CentralOptions& options, ConnectionPool& pool) {
  if (options.strict) return std::make_unique<BtsVenue>(pool, options.policy);
  return std::make_unique<ReferenceVenue>(pool, options.policy);
}

}  // namespace

CentralServer::CentralServer(const CentralOptions& options)
    : address_{options.http.address},
      pool_{prepared(options), options.http.workers},
      venue_{venue_for(options, pool_)},
      http_{*venue_, pool_, options.http} {}

std::string CentralServer::url() const {
  return fmt::format("http://{}:{}", address_, port());
}

}  // namespace tapd::central
