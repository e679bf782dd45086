#include "daemon/metrics.hpp"

#include <array>
#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace tapd {
namespace {

// tidy: allow float, because Prometheus knows no other numbers
double number(std::int64_t value) {
  return static_cast<double>(value);  // tidy: allow float, because Prometheus knows no others
}

// tidy: allow float, because Prometheus counts time in seconds
double seconds(std::chrono::nanoseconds time) {
  // tidy: allow float, because Prometheus counts time in seconds
  return std::chrono::duration<double>(time).count();
}

prometheus::Histogram::BucketBoundaries bounds() {
  return {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5};
}

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;

Family<Counter>& counters(prometheus::Registry& registry, const std::string& name,
                          const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
Family<Gauge>& gauges(prometheus::Registry& registry, const std::string& name,
                      const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}
// A second on a good day, hours after an outage.
prometheus::Histogram::BucketBoundaries sync_bounds() {
  return {0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1'800, 7'200, 43'200};
}
// To the longest deadline, three times that of a request.
prometheus::Histogram::BucketBoundaries request_bounds() {
  return {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30};
}

Family<Histogram>& histograms(prometheus::Registry& registry, const std::string& name,
                              const std::string& help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}
Histogram& histogram(prometheus::Registry& registry, const std::string& name,
                     const std::string& help) {
  return histograms(registry, name, help).Add({}, bounds());
}

}  // namespace

struct Metrics::Implementation {
  Journal& next;
  Now now;
  prometheus::Registry registry;
  Family<Counter>& sessions = counters(registry, "tapd_sessions_total",
                                       "Sessions by tap and how they ended or were denied");
  Family<Counter>& volume =
      counters(registry, "tapd_poured_millilitres_total", "Volume charged to guests");
  Family<Counter>& money =
      counters(registry, "tapd_charged_cents_total", "Money charged to guests");
  Family<Counter>& non_sale =
      counters(registry, "tapd_non_sale_millilitres_total", "Volume that staff ran, by kind");
  Family<Counter>& edges_lost = counters(registry, "tapd_edges_lost_total",
                                         "Meter edges that the kernel dropped and counted");
  Family<Counter>& lines =
      counters(registry, "tapd_journal_lines_total", "Lines of the journal, by message");
  Histogram& card_to_valve =
      histogram(registry, "tapd_card_to_valve_seconds", "From the card to the open valve");
  Histogram& limit_to_shut =
      histogram(registry, "tapd_limit_to_shut_seconds",
                "From the pulse that reached the limit, as the kernel stamped it, to the command");
  Histogram& commit = histogram(registry, "tapd_commit_seconds", "One commit of the ledger");
  Histogram& confirmed = histograms(registry, "tapd_sync_latency_seconds",
                                    "From the end of a pour to the server's confirmation")
                             .Add({}, sync_bounds());
  Family<Histogram>& request =
      histograms(registry, "tapd_request_seconds",
                 "Requests to the venue server, by endpoint and whether an answer came");
  Family<Gauge>& state = gauges(registry, "tapd_tap_state", "1 for the state that the tap is in");
  Family<Gauge>& reader =
      gauges(registry, "tapd_reader_recoveries", "Steps taken to bring a reader back, by kind");
  Family<Gauge>& queue = gauges(registry, "tapd_queue_rows", "Pours by what the server knows");
  Gauge& owed =
      gauges(registry, "tapd_owed_cents", "Charged here, not yet confirmed by the server").Add({});
  Gauge& oldest =
      gauges(registry, "tapd_oldest_row_seconds", "Age of the oldest row that waits").Add({});
  Gauge& exposure = gauges(registry, "tapd_exposure_cents",
                           "At stake at worst if the network died now, what is owed included")
                        .Add({});
  Gauge& reachable = gauges(registry, "tapd_server_reachable", "1 while it answers").Add({});
  Gauge& stop = gauges(registry, "tapd_emergency_stop", "1 while it is in force").Add({});
  Gauge& written =
      gauges(registry, "tapd_disk_written_bytes", "By this process since its start").Add({});
  Gauge& free = gauges(registry, "tapd_disk_free_bytes", "Free on the disk of the ledger").Add({});
  Gauge& writable =
      gauges(registry, "tapd_ledger_writable", "1 while the last write to the ledger was good")
          .Add({});
  Family<Gauge>& locked = gauges(registry, "tapd_tap_locked_by_storage",
                                 "1 while the tap waits for the ledger to take its row");
  std::atomic<bool> is_writable{true};
  std::mutex mutex;
  std::map<std::int32_t, std::chrono::nanoseconds> card_at;
  std::vector<MetricsNow::Tap> shown;

  void count(const JournalLine& line) {
    lines.Add({{"message", std::string{to_text(line.message)}}}).Increment();
    for (const auto after : line.fields.confirmed_after) confirmed.Observe(seconds(after));
    if (!line.fields.tap) return;
    const Labels tap{{"tap", std::to_string(line.fields.tap->number())}};
    const auto outcome = [&](const std::string& how) {
      Labels labels = tap;
      labels["outcome"] = how;
      sessions.Add(labels).Increment();
    };
    if (line.message == Message::pour_ended) {
      outcome(line.fields.reason);
      count_pour(line.fields, tap);
    } else if (line.message == Message::card_denied) {
      outcome("denied_" + line.fields.reason);
    } else if (line.message == Message::service_act && line.fields.volume) {
      Labels labels = tap;
      labels["kind"] = line.fields.reason;
      non_sale.Add(labels).Increment(number(line.fields.volume->in_millilitres()));
    }
    time_card(line);
  }

  void count_pour(const JournalFields& fields, const Labels& tap) {
    if (fields.volume) volume.Add(tap).Increment(number(fields.volume->in_millilitres()));
    if (fields.price) money.Add(tap).Increment(number(fields.price->minor_units()));
    edges_lost.Add(tap).Increment(number(fields.edges_lost));
    if (fields.shut_after) limit_to_shut.Observe(seconds(*fields.shut_after));
  }

  void time_card(const JournalLine& line) {
    const std::scoped_lock lock{mutex};
    const std::int32_t tap = line.fields.tap->number();
    if (line.message == Message::card_seen) card_at[tap] = now();
    if (line.message != Message::valve_opened) return;
    if (const auto seen = card_at.find(tap); seen != card_at.end()) {
      card_to_valve.Observe(seconds(now() - seen->second));
      card_at.erase(seen);
    }
  }

  void show(const MetricsNow& told) {
    const std::scoped_lock lock{mutex};
    for (const MetricsNow::Tap& before : std::exchange(shown, told.taps)) {
      labelled(before).Set(0);
      locked.Add({{"tap", std::to_string(before.id.number())}}).Set(0);
    }
    for (const MetricsNow::Tap& tap : told.taps) {
      labelled(tap).Set(1);
      locked.Add({{"tap", std::to_string(tap.id.number())}}).Set(tap.locked_by_storage ? 1 : 0);
      begin_counts(tap.id);
    }
    for (std::size_t i = 0; i < told.readers.size() && i < told.taps.size(); ++i) {
      show_reader(told.taps[i].id, told.readers[i]);
    }
    const auto rows = [this](const char* status, std::int64_t count) {
      queue.Add({{"status", status}}).Set(number(count));
    };
    rows("open", told.queue.open);
    rows("waiting", told.queue.waiting);
    rows("failed", told.queue.failed);
    rows("confirmed", told.queue.confirmed);
    owed.Set(number(told.queue.owed.minor_units()));
    oldest.Set(number(told.oldest_age.count()));
    exposure.Set(number(told.exposure.minor_units()));
    reachable.Set(told.server_reachable ? 1 : 0);
    stop.Set(told.emergency_stop ? 1 : 0);
    written.Set(number(told.disk_bytes_written));
    free.Set(number(told.disk_bytes_free));
    writable.Set(is_writable ? 1 : 0);
    lines.Add({{"message", std::string{to_text(Message::ledger_trouble)}}});
  }

  /// A count that begins with its first event is no rise to Prometheus: increase() needs the zero.
  void begin_counts(model::TapId tap) {
    for (Family<Counter>* const family : {&volume, &money, &edges_lost}) {
      family->Add({{"tap", std::to_string(tap.number())}});
    }
  }

  Gauge& labelled(const MetricsNow::Tap& tap) {
    return state.Add({{"tap", std::to_string(tap.id.number())}, {"state", tap.state}});
  }

  void show_reader(model::TapId tap, const drivers::ReaderHealth& health) {
    const std::array<std::pair<const char*, std::uint64_t>, 5> steps{
        {{"initialised", health.initialised},
         {"soft_reset", health.soft_resets},
         {"line_reset", health.line_resets},
         {"reopened", health.reopened},
         {"given_up", health.given_up}}};
    for (const auto& [step, count] : steps) {
      reader.Add({{"tap", std::to_string(tap.number())}, {"step", step}})
          .Set(number(static_cast<std::int64_t>(count)));
    }
  }
};

Metrics::Metrics(Journal& next, Now now)
    : self_{std::make_unique<Implementation>(next, std::move(now))} {}

Metrics::~Metrics() = default;

void Metrics::write(const JournalLine& line) noexcept {
  try {
    self_->count(line);
  } catch (...) {  // out of memory: a count less; the line still goes its way
    self_->next.write(line);
    return;
  }
  self_->next.write(line);
}

void Metrics::committed(std::chrono::nanoseconds took, std::optional<bool> good) {
  self_->commit.Observe(seconds(took));
  if (good) self_->is_writable = *good;
}

bool Metrics::ledger_writable() const {
  return self_->is_writable;
}

void Metrics::requested(const char* endpoint, bool answered, std::chrono::nanoseconds took) {
  const Labels labels{{"endpoint", endpoint}, {"answered", answered ? "yes" : "no"}};
  self_->request.Add(labels, request_bounds()).Observe(seconds(took));
}

std::string Metrics::text(const MetricsNow& now) {
  self_->show(now);
  return prometheus::TextSerializer{}.Serialize(self_->registry.Collect());
}

MetricsNow metrics_of(const Controller& controller) {
  MetricsNow seen;
  for (std::size_t i = 0; i < controller.tap_count(); ++i) {
    const TapSession& session = controller.session(i);
    seen.taps.push_back({.id = session.tap(),
                         .state = std::string{to_text(session.state())},
                         .locked_by_storage = session.has_lock(LockReason::storage)});
  }
  seen.server_reachable = controller.server_reachable();
  seen.emergency_stop = controller.emergency_stop();
  return seen;
}

std::int64_t disk_bytes_free(const std::filesystem::path& folder) {
  std::error_code unknown;
  const std::filesystem::space_info space = std::filesystem::space(folder, unknown);
  return unknown ? 0 : static_cast<std::int64_t>(space.available);
}

std::int64_t disk_bytes_written(const std::string& root) {
  std::ifstream in{root + "proc/self/io"};
  std::string key;
  for (std::int64_t value = 0; in >> key >> value;) {
    if (key == "write_bytes:") return value;
  }
  return 0;
}

}  // namespace tapd
