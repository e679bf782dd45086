#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sync/engine.hpp"
#include "sync_bench.hpp"
#include "tests/conformance/served_venue.hpp"
#include "tests/support/postgres_cluster.hpp"
#include "tests/sync/memory_books.hpp"
#include "tests/sync/samples.hpp"
#include "tests/sync/schedule.hpp"
#include "tests/sync/venue.hpp"

namespace tapd::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using sync::test::at;

constexpr milliseconds outage_begins{60s};
constexpr milliseconds outage_ends{11min};
constexpr milliseconds end{23min};

/// All controllers and one server that answers in time, on one queue of events.
class Fleet {
 public:
  explicit Fleet(std::size_t controllers) : requests_(static_cast<std::size_t>(end / 1s) + 1) {
    for (std::uint64_t guest = 1; guest <= 3; ++guest) venue_.add_guest(guest, 1'000'000'000);
    for (std::size_t i = 0; i < controllers; ++i) {
      auto controller = std::make_unique<Controller>(i);
      // One pour every two minutes, so that each comes back with a handful of rows.
      for (milliseconds when = milliseconds{static_cast<std::int64_t>(i) * 120}; when < outage_ends;
           when += 2min) {
        add({when, i, [this, i] { pour(i); }});
      }
      // Switched on one after the other, as a venue opens.
      add({milliseconds{static_cast<std::int64_t>(i) * 7}, i, [] {}});
      controllers_.push_back(std::move(controller));
    }
  }

  void run() {
    while (!events_.empty() && events_.top().when < end) {
      Event event = events_.top();
      events_.pop();
      now_ = event.when;
      event.what();
      pump(event.controller);
    }
  }

  /// Requests in each second.
  [[nodiscard]] const std::vector<int>& requests() const { return requests_; }
  [[nodiscard]] std::size_t waiting() const {
    std::size_t count = 0;
    for (const auto& each : controllers_) {
      for (const auto& [id, row] : each->books.rows()) {
        count += row.status == model::PourStatus::confirmed ? 0U : 1U;
      }
    }
    return count;
  }

 private:
  struct Controller {
    explicit Controller(std::size_t number)
        : engine{options(number), books, sync::test::random_from(number + 1)} {}
    static sync::EngineOptions options(std::size_t number) {
      sync::EngineOptions chosen;
      chosen.controller_id = fmt::format("bar-{}", number);
      chosen.token = "secret";
      return chosen;
    }
    sync::test::MemoryBooks books;
    sync::Engine engine;
    milliseconds wake{-1};
  };
  struct Event {
    milliseconds when;
    std::size_t controller;
    std::function<void()> what;
    std::uint64_t sequence{0};
    bool operator<(const Event& other) const {
      return when != other.when ? when > other.when : sequence > other.sequence;
    }
  };

  void add(Event event) {
    event.sequence = ++sequence_;
    events_.push(std::move(event));
  }

  void pour(std::size_t i) {
    ++pours_;
    controllers_[i]->books.add(sync::test::pour(pours_, 1 + pours_ % 3));
    controllers_[i]->engine.pours_waiting();
  }

  void pump(std::size_t i) {
    Controller& controller = *controllers_[i];
    for (const sync::Outgoing& outgoing : controller.engine.due(at(now_))) carry(i, outgoing);
    (void)controller.engine.take_notices();
    const auto wake = std::chrono::ceil<milliseconds>(
        std::min<model::SinceBoot>(controller.engine.wake_at(), model::SinceBoot{end}));
    if (wake <= now_ || wake == controller.wake) return;
    controller.wake = wake;
    add({wake, i, [] {}});
  }

  void carry(std::size_t i, const sync::Outgoing& outgoing) {
    const bool out = now_ >= outage_begins && now_ < outage_ends;
    if (!out) ++requests_[static_cast<std::size_t>(now_ / 1s)];
    sync::HttpOutcome outcome = tl::make_unexpected(
        sync::TransportError{sync::TransportError::Kind::no_link, "connection refused"});
    if (!out) outcome = venue_.answer(outgoing.request);
    add({now_ + 20ms, i, [this, i, id = outgoing.id, outcome = std::move(outcome)] {
           controllers_[i]->engine.on_outcome(id, outcome, at(now_));
         }});
  }

  sync::test::Venue venue_;
  std::vector<std::unique_ptr<Controller>> controllers_;
  std::priority_queue<Event> events_;
  std::vector<int> requests_;
  milliseconds now_{0};
  std::uint64_t sequence_{0};
  std::uint64_t pours_{0};
};

}  // namespace

void bench_fleet(const SyncBenchOptions& options, const Report& report) {
  report.section("A fleet comes back after ten minutes without a server (simulated time)");
  Report::progress(fmt::format("{} controllers ...", options.controllers));
  Fleet fleet{options.controllers};
  fleet.run();
  const auto second = [&](milliseconds when) {
    return fleet.requests().begin() + static_cast<std::ptrdiff_t>(when / 1s);
  };
  const int peak = *std::max_element(second(outage_ends), second(end));
  double steady = 0;
  for (auto each = second(end - 2min); each != second(end); ++each) steady += *each;
  steady /= 120;
  const int first = *second(outage_ends);
  const std::string conditions = fmt::format("{} controllers", options.controllers);
  report.add({"steady rate, all connected", steady, "requests/s", conditions});
  report.add(
      {"first second after the outage", static_cast<double>(first), "requests/s", conditions});
  report.add(
      {"busiest second after the outage", static_cast<double>(peak), "requests/s", conditions});
  report.add({"busiest second over steady rate", static_cast<double>(peak) / std::max(steady, 1.0),
              "times", conditions});
  report.add({"rows that still wait 12 minutes later", static_cast<double>(fleet.waiting()), "rows",
              conditions});
}

void bench_schedules(const SyncBenchOptions& options, const Report& report) {
  report.section("Random schedules of faults (simulated network, venue in memory)");
  Report::progress(fmt::format("{} schedules ...", options.schedules));
  std::uint64_t pours = 0;
  std::uint64_t failed = 0;
  for (std::uint64_t seed = 0; seed < options.schedules; ++seed) {
    sync::test::MemoryBooks books;
    sync::test::Schedule schedule{seed, books};
    const std::string wrong = schedule.run();
    pours += schedule.pours();
    if (wrong.empty()) continue;
    ++failed;
    Report::progress(fmt::format("seed {}: {}", seed, wrong));
  }
  const std::string conditions = fmt::format("{} schedules, {} pours", options.schedules, pours);
  report.add({"schedules with a row lost, doubled or charged wrongly", static_cast<double>(failed),
              "schedules", conditions});
}

void bench_served_schedules(const SyncBenchOptions& options, const Report& report) {
  report.section("Random schedules of faults (simulated network, real server and PostgreSQL)");
  Report::progress(fmt::format("{} schedules ...", options.schedules));
  test::PostgresCluster cluster{{.fsync = false}};
  std::uint64_t pours = 0;
  std::uint64_t failed = 0;
  int restarts = 0;
  int crashes = 0;
  for (std::uint64_t seed = 0; seed < options.schedules; ++seed) {
    conformance::ServedVenue venue{cluster};
    sync::test::MemoryBooks books;
    sync::test::Schedule schedule{seed, books, venue};
    const std::string wrong = schedule.run();
    pours += schedule.pours();
    restarts += venue.server_restarts();
    crashes += venue.database_crashes();
    if (wrong.empty()) continue;
    ++failed;
    Report::progress(fmt::format("seed {}: {}", seed, wrong));
  }
  report.add({"schedules with a row lost, doubled or charged wrongly", static_cast<double>(failed),
              "schedules",
              fmt::format("{} schedules, {} pours, {} server restarts, {} crashes of PostgreSQL",
                          options.schedules, pours, restarts, crashes)});
}

}  // namespace tapd::bench
