#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "memory.hpp"
#include "sync/curl_transport.hpp"
#include "sync/engine.hpp"
#include "sync_bench.hpp"
#include "tests/central/central_server.hpp"
#include "tests/support/postgres_cluster.hpp"
#include "tests/sync/ledger_books.hpp"
#include "tests/sync/samples.hpp"

namespace tapd::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* token = "bench-token";
constexpr std::chrono::seconds most_time{60};

model::Moment now() {
  return sync::test::at(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()));
}

void add_guests(const std::string& database, std::int64_t guests) {
  central::Connection connection{database};
  connection.run(
      "INSERT INTO guests (guest_id, first_name, balance)"
      " SELECT gen_random_uuid(), 'Guest ' || i, i % 100 FROM generate_series(1, $1::integer) i",
      {guests});
  connection.run(
      "INSERT INTO cards SELECT '04' || lpad(to_hex(row_number() OVER ()), 12, '0'), guest_id,"
      " 'active' FROM guests WHERE first_name LIKE 'Guest %'");
}

/// From nothing to the snapshot in the ledger.
std::chrono::duration<double> pull(sync::test::LedgerBooks& books, const std::string& url,
                                   std::size_t guests) {
  sync::EngineOptions options;
  options.controller_id = "bench-1";
  options.token = token;
  sync::CurlOptions curl;
  curl.base_url = url;
  sync::CurlTransport transport{curl};
  sync::Engine engine{options, books, sync::test::random_from(1)};
  const auto begin = Clock::now();
  while (Clock::now() - begin < most_time) {
    for (const sync::Outgoing& outgoing : engine.due(now())) {
      transport.start(outgoing.id, outgoing.request);
    }
    for (const auto& completion : transport.wait(20ms)) {
      engine.on_outcome(completion.id, completion.outcome, now());
    }
    for (const sync::Notice& notice : engine.take_notices()) {
      const auto* const applied = std::get_if<sync::SnapshotApplied>(&notice);
      if (applied == nullptr) continue;
      if (applied->guests < guests) throw std::runtime_error{"guests are missing in the snapshot"};
      return Clock::now() - begin;
    }
  }
  throw std::runtime_error{"no snapshot within a minute"};
}

}  // namespace

void bench_snapshot(const SyncBenchOptions& options, const Report& report) {
  report.section("The first snapshot, loopback");
  const test::PostgresCluster cluster{{.fsync = false}};
  central::CentralOptions chosen;
  chosen.database_url = cluster.url();
  chosen.http.token = token;
  const central::CentralServer server{chosen};
  add_guests(cluster.url(), static_cast<std::int64_t>(options.guests));
  sync::test::LedgerBooks books;
  const Memory memory;
  const auto took = pull(books, server.url(), options.guests);
  const std::string conditions =
      fmt::format("{} guests and cards, server in the same process", options.guests);
  report.add({"asked, read and kept", took.count() * 1e3, "ms", conditions});
  report.add({"peak memory over what it was before", static_cast<double>(memory.peak_kib()), "KiB",
              conditions});
}

}  // namespace tapd::bench
