#include <array>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sync/curl_transport.hpp"
#include "sync/engine.hpp"
#include "sync_bench.hpp"
#include "tests/central/central_server.hpp"
#include "tests/support/peak_memory.hpp"
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

/// A controller that pulls snapshots, and what each took.
class Puller {
 public:
  struct Pull {
    std::chrono::duration<double> took{};
    std::size_t bytes{0};  ///< Of JSON, unpacked.
    sync::SnapshotApplied applied;
  };

  explicit Puller(const std::string& url)
      : transport_{curl(url)}, engine_{options(), books_, sync::test::random_from(1)} {}

  /// From the question to the answer in the ledger; the next one that brings anything.
  Pull next(bool whole) {
    const auto until = Clock::now() + most_time;
    while (Clock::now() < until) {
      for (sync::Outgoing& outgoing : engine_.due(now())) {
        if (whole) outgoing.request.query.clear();
        asked_[outgoing.id] = Clock::now();
        transport_.start(outgoing.id, outgoing.request);
      }
      for (const auto& completion : transport_.wait(1ms)) {
        engine_.on_outcome(completion.id, completion.outcome, now());
        for (const sync::Notice& notice : engine_.take_notices()) {
          const auto* const applied = std::get_if<sync::SnapshotApplied>(&notice);
          if (applied == nullptr) continue;
          return {Clock::now() - asked_.at(completion.id), completion.outcome->body.size(),
                  *applied};
        }
      }
    }
    throw std::runtime_error{"no snapshot within a minute"};
  }

 private:
  static sync::EngineOptions options() {
    sync::EngineOptions chosen;
    chosen.controller_id = "bench-1";
    chosen.token = token;
    chosen.snapshot_interval = 5ms;
    return chosen;
  }
  static sync::CurlOptions curl(const std::string& url) {
    sync::CurlOptions chosen;
    chosen.base_url = url;
    return chosen;
  }

  sync::test::LedgerBooks books_;
  sync::CurlTransport transport_;
  sync::Engine engine_;
  std::map<sync::RequestId, Clock::time_point> asked_;
};

/// One card changes, again and again; by turns the changes and the whole are asked for.
void bench_one_card(Puller& puller, const std::string& database, const Report& report,
                    const std::string& conditions) {
  constexpr int turns = 20;
  central::Connection connection{database};
  std::array<std::vector<double>, 2> took;
  std::array<std::size_t, 2> bytes{};
  for (int turn = 0; turn < 2 * turns; ++turn) {
    const std::size_t which = static_cast<std::size_t>(turn) % 2;
    connection.run(
        "UPDATE cards SET status = CASE status WHEN 'lost' THEN 'active' ELSE 'lost' END"
        " WHERE card_uid = (SELECT max(card_uid) FROM cards)");
    const Puller::Pull pull = puller.next(which == 1);
    if (pull.applied.since.has_value() != (which == 0)) {
      throw std::runtime_error{"not what was asked for"};
    }
    took.at(which).push_back(pull.took.count() * 1e3);
    bytes.at(which) = pull.bytes;
  }
  for (const std::size_t which : {0U, 1U}) {
    const std::string what = which == 0 ? "one card changed, its changes" : "the same, whole";
    report.add({what, static_cast<double>(bytes.at(which)), "bytes", conditions + ", JSON"});
    report.add(what, spread(took.at(which)), "ms", conditions);
  }
}

}  // namespace

void bench_snapshot(const SyncBenchOptions& options, const Report& report) {
  report.section("The first snapshot, and one card changed, loopback");
  const test::PostgresCluster cluster{{.fsync = false}};
  central::CentralOptions chosen;
  chosen.database_url = cluster.url();
  chosen.http.token = token;
  const central::CentralServer server{chosen};
  add_guests(cluster.url(), static_cast<std::int64_t>(options.guests));
  const test::PeakMemory memory;
  Puller puller{server.url()};
  const Puller::Pull first = puller.next(true);
  if (first.applied.guests < options.guests) {
    throw std::runtime_error{"guests are missing in the snapshot"};
  }
  const std::string conditions =
      fmt::format("{} guests and cards, server in the same process", options.guests);
  report.add({"asked, read and kept", first.took.count() * 1e3, "ms", conditions});
  report.add({"peak memory over what it was before", static_cast<double>(memory.grown_kib()), "KiB",
              conditions});
  bench_one_card(puller, cluster.url(), report, conditions);
}

}  // namespace tapd::bench
