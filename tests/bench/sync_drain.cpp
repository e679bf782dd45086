#include <algorithm>
#include <chrono>
#include <ctime>
#include <set>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "far_link.hpp"
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
constexpr const char* eva = "a0000000-0000-4000-8000-000000000005";
constexpr const char* evas_card = "0455aa10ff2380";
constexpr std::chrono::minutes most_time{15};

/// What this thread, the controller's, has used of a processor.
std::chrono::duration<double> thread_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

model::Pour waiting(std::uint64_t number) {
  model::Pour row = sync::test::pour(number);
  row.begin.guest_id = model::GuestId{eva};
  row.begin.card_uid = *model::CardUid::parse(evas_card);
  row.begin.keg_id = {};
  row.begin.authorized_by = model::AuthorizedBy::server;
  row.volume = model::Volume::millilitres(40 + static_cast<std::int64_t>(number % 7));
  row.tail = {};
  row.price = model::price_of(row.volume, row.begin.price);
  return row;
}

/// Fills the ledger; answers the sum of the prices. Ids from `first` on.
std::int64_t fill(sync::test::LedgerBooks& books, std::size_t rows, std::uint64_t first) {
  constexpr std::size_t at_once = 1'000;
  std::int64_t sum = 0;
  for (std::size_t done = 0; done < rows; done += at_once) {
    const auto filled = books.ledger().in_one_commit([&]() -> storage::Result<> {
      for (std::size_t i = done; i < std::min(done + at_once, rows); ++i) {
        const model::Pour row = waiting(first + i);
        books.add(row);
        sum += row.price.minor_units();
      }
      return {};
    });
    if (!filled) throw std::runtime_error{filled.error().message};
  }
  return sum;
}

model::Moment now() {
  return sync::test::at(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()));
}

/// Runs the real engine over the real transport until nothing waits.
std::chrono::duration<double> drain(sync::test::LedgerBooks& books, const std::string& url,
                                    std::size_t batch, std::size_t rows) {
  sync::EngineOptions options;
  options.controller_id = "bench-1";
  options.firmware_version = "0.1.0";
  options.ip_address = "127.0.0.1";
  options.token = token;
  options.batch_size = batch;
  sync::CurlOptions curl;
  curl.base_url = url;
  sync::CurlTransport transport{curl};
  sync::Engine engine{options, books, sync::test::random_from(1)};
  const auto begin = Clock::now();
  std::size_t confirmed = 0;
  while (true) {
    for (const sync::Outgoing& outgoing : engine.due(now())) {
      transport.start(outgoing.id, outgoing.request);
    }
    const auto until =
        std::chrono::duration_cast<std::chrono::milliseconds>(engine.wake_at() - now().since_boot);
    for (const auto& completion : transport.wait(std::clamp(until, 0ms, 200ms))) {
      engine.on_outcome(completion.id, completion.outcome, now());
    }
    for (const sync::Notice& notice : engine.take_notices()) {
      if (const auto* const some = std::get_if<sync::PoursConfirmed>(&notice)) {
        confirmed += some->count;
      }
      if (const auto* const refused = std::get_if<sync::PourNotBooked>(&notice)) {
        throw std::runtime_error{"a row was not booked: " + refused->outcome};
      }
    }
    // Counting what waits reads all of it: once is enough.
    if (confirmed >= rows && books.ledger().queue_counts()->waiting == 0) break;
    if (Clock::now() - begin > most_time) {
      throw std::runtime_error{fmt::format("after 15 minutes only {} rows", confirmed)};
    }
  }
  return Clock::now() - begin;
}

/// A PostgreSQL that keeps its promises of durability as far as a machine under test allows.
struct Served {
  test::PostgresCluster cluster{{.fsync = false}};
  central::CentralServer server{options()};

  [[nodiscard]] central::CentralOptions options() const {
    central::CentralOptions chosen;
    chosen.database_url = cluster.url();
    chosen.seed_file = TAPD_CENTRAL_BAR_FILE;
    chosen.http.token = token;
    return chosen;
  }
  [[nodiscard]] std::int64_t number(const char* query) const {
    return central::Connection{cluster.url()}.run(query).integer(0, 0);
  }
  [[nodiscard]] std::int64_t balance() const {
    return number("SELECT (sum(balance) * 100)::bigint FROM guests");
  }
};

/// What the venue's books say of the rows that were poured: ids `0` to `rows - 1`, worth `sum`.
struct Difference {
  std::size_t lost{0};          ///< Ids that the venue does not have.
  std::int64_t doubled{0};      ///< Bookings past the first of an id, by the audit.
  std::int64_t overcharged{0};  ///< Minor units that the guest paid past what was poured.
};

Difference compare(const Served& served, std::size_t rows, std::int64_t sum,
                   std::int64_t balance_before) {
  central::Connection connection{served.cluster.url()};
  const central::Rows booked = connection.run("SELECT client_tx_id FROM pours");
  std::set<std::string> ids;
  for (int i = 0; i < booked.count(); ++i) ids.insert(booked.text(i, 0));
  Difference difference;
  for (std::size_t i = 0; i < rows; ++i) difference.lost += 1 - ids.count(sync::test::tx(i).text());
  difference.doubled = served.number(
      "SELECT count(*) - count(DISTINCT details::json ->> 'client_tx_id') FROM audit_logs"
      " WHERE action = 'book_pour'");
  difference.overcharged = balance_before - served.balance() - sum;
  return difference;
}

/// Puts the comparison on the report; throws when it is not what the venue owes.
void report_difference(const Report& report, const Difference& found, std::size_t rows) {
  const std::string conditions = fmt::format("of {}, asked of PostgreSQL", rows);
  report.add({"rows lost", static_cast<double>(found.lost), "rows", conditions});
  report.add({"rows doubled", static_cast<double>(found.doubled), "rows", conditions});
  report.add({"charged past what was poured", static_cast<double>(found.overcharged), "minor units",
              conditions});
  if (found.lost != 0 || found.doubled != 0 || found.overcharged != 0) {
    throw std::runtime_error{"the venue's books are not those of the controller"};
  }
}

}  // namespace

void bench_drain(const SyncBenchOptions& options, const Report& report) {
  report.section("Drain into the reference server, loopback, PostgreSQL without fsync");
  const Served served;
  const std::int64_t balance = served.balance();
  std::size_t all = 0;
  std::int64_t sum = 0;
  for (const std::size_t rows : {options.rows / 10, options.rows}) {
    Report::progress(fmt::format("{} rows ...", rows));
    sync::test::LedgerBooks books;
    sum += fill(books, rows, all);
    all += rows;
    const test::PeakMemory memory;
    const auto busy_before = thread_time();
    const auto took = drain(books, served.server.url(), options.batch, rows);
    const auto busy = thread_time() - busy_before;
    const auto peak = static_cast<double>(memory.grown_kib());
    const std::string conditions = fmt::format("{} rows, {} a request", rows, options.batch);
    report.add({"rows per second", static_cast<double>(rows) / took.count(), "rows/s", conditions});
    report.add({"the controller's own work", busy.count() * 1e6 / static_cast<double>(rows),
                "us a row", conditions + ", processor time"});
    report.add({"peak memory over what it was before", peak, "KiB",
                conditions + ", server in the same process"});
  }
  report_difference(report, compare(served, all, sum, balance), all);
}

void bench_drain_far(const SyncBenchOptions& options, const Report& report) {
  report.section("Drain over 200 ms round trip, 5 % of the segments lost, some connections cut");
  Report::progress(fmt::format("{} rows ...", options.rows_far));
  const Served served;
  const std::int64_t balance = served.balance();
  FarLink link{served.server.port(), {}};
  sync::test::LedgerBooks books;
  const std::int64_t sum = fill(books, options.rows_far, 0);
  const auto took = drain(books, link.url(), options.batch, options.rows_far);
  const std::string conditions =
      fmt::format("{} rows, {} a request, {} segments sent again, {} connections cut",
                  options.rows_far, options.batch, link.resends(), link.cuts());
  report.add({"rows per second", static_cast<double>(options.rows_far) / took.count(), "rows/s",
              conditions});
  report_difference(report, compare(served, options.rows_far, sum, balance), options.rows_far);
}

}  // namespace tapd::bench
