#include "daemon/app.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <list>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "daemon/api.hpp"
#include "daemon/api_answers.hpp"
#include "daemon/book_keeping_thread.hpp"
#include "daemon/card_log.hpp"
#include "daemon/control_loop.hpp"
#include "daemon/control_talk.hpp"
#include "daemon/controller.hpp"
#include "daemon/hardware.hpp"
#include "daemon/http_server.hpp"
#include "daemon/in_force.hpp"
#include "daemon/journal_lines.hpp"
#include "daemon/kill_check.hpp"
#include "daemon/metrics.hpp"
#include "daemon/reader_thread.hpp"
#include "daemon/screen_lines.hpp"
#include "daemon/server_setup.hpp"
#include "daemon/staff_api.hpp"
#include "daemon/start_up.hpp"
#include "daemon/state_stream.hpp"
#include "daemon/storage_thread.hpp"
#include "daemon/sync_thread.hpp"
#include "drivers/clock.hpp"

namespace tapd {
namespace {

std::vector<TapSetup> set_up_taps(const Config& config, Hardware& hardware, storage::Ledger& ledger,
                                  const std::string& unsafe, const model::Moment& now,
                                  Journal& journal) {
  std::vector<TapSetup> setups;
  for (std::size_t i = 0; i < config.taps.size(); ++i) {
    const TapConfig& tap = config.taps[i];
    const KnownTap known = know_tap(ledger, tap.id, tap.meter.calibration, now, journal);
    setups.push_back(
        {.id = tap.id,
         .rules = tap.rules,
         .calibration = known.calibration,
         .configured = tap.meter.calibration,
         .known_close_time = known.close_time,
         .own_price = tap.own_price,
         .meter = hardware.taps[i].meter.get(),
         .valve = hardware.taps[i].valve.get(),
         .indicator = hardware.taps[i].indicator.get(),
         .keep_alive = hardware.taps[i].keep_alive.get(),
         .unsafe = tap.simulated ? std::string{} : unsafe_at(config, hardware.taps[i], unsafe),
         .locked_by_staff = known.locked_by_staff,
         .closed_by_itself = known.closed_by_itself,
         .last_look = {}});
  }
  return setups;
}

/// Everything that runs, in the order in which it is made; taken down in reverse.
class Running {
 public:
  /// `before`: an older configuration that works, so this one must as it is written. Null: a bar
  /// must not stay dry because a file of the server's is gone, or one tap's reader.
  Running(const Config& config, const Config* before, Metrics& metrics)
      : config_{config},
        metrics_{metrics},
        server_trouble_{server_trouble_for(config, before)},
        boot_{drivers::boot_id()},
        hardware_{take_hardware(before)},
        ledger_{open_ledger(config, boot_, moment(clock_), metrics)},
        controller_{options(),
                    set_up_taps(config, hardware_, *ledger_, check_kill(config, metrics),
                                moment(clock_), metrics),
                    ports()},
        storage_{std::make_unique<StorageThread>(
            *ledger_, boot_, [this](StorageAnswer answer) { tell_loop(std::move(answer)); },
            [this](auto took, auto good) { metrics_.committed(took, good); })},
        desk_{*storage_} {
    say_what_was_opened(config, hardware_, metrics_);
    if (asks_server()) {
      sync_ = std::make_unique<SyncThread>(
          engine_options(config), *storage_, boot_, make_transport(config), clock_,
          SyncThread::Reports{
              .notice = [this](sync::Notice notice) { tell_loop(std::move(notice)); },
              .requested = [this](const char* endpoint, bool answered,
                                  auto took) { metrics_.requested(endpoint, answered, took); }});
    } else {
      say_no_server();
    }
    BookKeepingRules books = config.storage.books;
    books.oldest_balance = config.policy.oldest_balance;
    books_ = std::make_unique<BookKeepingThread>(
        books, *storage_, [this] { return moment(clock_); }, metrics_);
    start_readers();
    if (hardware_.player) hardware_.player->begin();
    states_ = std::make_unique<StateStream>(ScreenLines{inbox_, *storage_, explain_ports().taps});
    api_ = std::make_unique<HttpServer>(
        config.socket, Api{{.control = &inbox_,
                            .storage = &desk_,
                            .books = books_ports(),
                            .pours = {.storage = &desk_,
                                      .now = [this] { return moment(clock_); },
                                      .pours_waiting =
                                          [this] {
                                            if (sync_) sync_->pours_waiting();
                                          },
                                      .given_up =
                                          [this](const model::CardUid& card, model::TapId tap) {
                                            if (sync_) sync_->given_up(card, tap);
                                          }},
                            .staff = {.control = &inbox_,
                                      .storage = &desk_,
                                      .now = [this] { return moment(clock_); },
                                      .die = [] { std::raise(SIGKILL); }},
                            .explain = explain_ports(),
                            .watch = {.control = &inbox_,
                                      .cards = &cards_,
                                      .start = drivers::since_boot_now().count()},
                            .listen = [this] { return states_->listen(); },
                            .simulate = hardware_.simulate,
                            .readers = [this] { return readers_health(); },
                            .board =
                                [this] {
                                  const auto now = clock_.read();
                                  return board_health(config_, "/", now.wall_trusted, now.wall);
                                },
                            .metrics = [this] { return metrics_text(); },
                            .no_server = no_server(),
                            .controller_id = config.controller_id,
                            .version = version()}});
    if (config.metrics_port != 0) offer_metrics(config.metrics_port);
  }

  LoopEnd run(ServiceNotify& service, std::function<bool()> reload_wanted) {
    ControlLoop loop{controller_, inbox_, clock_, metrics_};
    loop.tell(service);
    loop.on_reload(std::move(reload_wanted));
    // Only now: had this configuration been refused, it would not have outdated anything.
    const auto tidied = desk_.run(
        [this](storage::Ledger& ledger) { return forget_outdated(ledger, config_, metrics_); });
    if (!tidied) metrics_.line(Message::ledger_trouble, Level::error, tidied.error().message);
    metrics_.line(
        Message::ready, Level::info,
        fmt::format("ready: {} taps, API on {}", hardware_.taps.size(), config_.socket.string()));
    if (const auto first = run_before_others(config_.realtime_priority); !first) {
      metrics_.line(Message::no_real_time, Level::warning,
                    fmt::format("no real-time priority for the control loop ({}): a busy board may "
                                "cut off later; allow it (LimitRTPRIO), or set "
                                "controller.realtime_priority = 0",
                                first.error()));
    }
    return loop.run();
  }

 private:
  static std::string server_trouble_for(const Config& config, const Config* before) {
    std::string trouble = server_trouble(config);
    if (before != nullptr && !trouble.empty()) throw std::runtime_error{trouble};
    return trouble;
  }
  /// Says what is held, for who must shut it after a kill, and takes it.
  Hardware take_hardware(const Config* before) {
    if (const auto kept = keep_in_force(config_); !kept) {
      metrics_.line(Message::kill_is_unsafe, Level::warning,
                    fmt::format("after a kill only the valves of tapd.toml as it is then are shut: "
                                "{}",
                                kept.error()));
    }
    return open_hardware(config_, clock_, before);
  }

  [[nodiscard]] bool asks_server() const { return no_server().empty(); }

  /// Why no server is asked; empty when one is.
  [[nodiscard]] std::string no_server() const {
    return config_.server.url.empty() ? "no server.url is configured" : server_trouble_;
  }

  void say_no_server() {
    if (config_.server.url.empty()) {
      return metrics_.line(Message::no_server, Level::warning,
                           fmt::format("{}: pours wait in the queue", no_server()));
    }
    metrics_.line(
        Message::no_server, Level::error,
        fmt::format("the server is not asked, and pours wait in the queue: {}", server_trouble_));
  }

  /// Whoever counts must not be able to leave a bar dry: the taps go on without it.
  void offer_metrics(std::uint16_t port) {
    try {
      scraped_ = std::make_unique<HttpServer>(port, [this](const ApiRequest& request) {
        if (request.path == "/metrics") return metrics_answer(metrics_text());
        return problem(404, "only /metrics is here");
      });
    } catch (const std::exception& error) {
      metrics_.line(Message::no_metrics, Level::error,
                    fmt::format("no metrics on controller.metrics_port: {}", error.what()));
    }
  }

  ControllerOptions options() const {
    ControllerOptions options;
    options.authorize = asks_server() ? config_.server.authorize : AuthorizeMode::cached;
    options.policy = config_.policy;
    options.boot = boot_;
    return options;
  }

  BooksApiPorts books_ports() {
    return {.storage = &desk_,
            .keeper = books_.get(),
            .policy = config_.policy,
            .boot = boot_,
            .now = [this] { return moment(clock_); }};
  }

  ExplainPorts explain_ports() {
    ExplainPorts ports{.control = &inbox_,
                       .storage = &desk_,
                       .policy = config_.policy,
                       .authorize = options().authorize,
                       .boot = boot_,
                       .now = [this] { return moment(clock_); },
                       .ledger_writable = [this] { return metrics_.ledger_writable(); },
                       .taps = {}};
    for (const TapConfig& tap : config_.taps) ports.taps[tap.id] = tap.own_price;
    return ports;
  }

  ControllerPorts ports() {
    return {.storage = [this](StorageRequest request) { storage_->post(std::move(request)); },
            .ask_server = [this](sync::AuthorizeAsk ask) { sync_->ask(std::move(ask)); },
            .pours_waiting =
                [this] {
                  if (sync_) sync_->pours_waiting();
                },
            .random_id =
                [] {
                  std::array<std::uint8_t, 16> bytes{};
                  drivers::fill_random(bytes.data(), bytes.size());
                  return bytes;
                },
            .journal = &metrics_};
  }

  template<typename What>
  void tell_loop(What message) {
    if (!inbox_.put(ControlMessage{std::move(message)})) {
      metrics_.line(Message::loop_stuck, Level::error,
                    "the control loop does not take its messages");
    }
  }

  ReaderThread::Reports reports_of_reader(std::size_t i) {
    return {.presence =
                [this, i](drivers::PresenceEvent event) {
                  cards_.put(config_.taps[i].id, event, moment(clock_).wall);
                  tell_loop(Presence{.tap = i, .event = std::move(event)});
                },
            .note =
                [this, i](const drivers::ReaderNote& note) {
                  metrics_.line(
                      note.serious ? Message::reader_trouble : Message::reader_recovered,
                      note.serious ? Level::error : Level::info,
                      fmt::format("reader of tap {}: {}", config_.taps[i].id.number(), note.text));
                }};
  }

  [[nodiscard]] std::vector<drivers::ReaderHealth> readers_health() const {
    std::vector<drivers::ReaderHealth> all;
    for (const ReaderThread& reader : readers_) all.push_back(reader.health());
    return all;
  }

  /// Called on the API's thread.
  [[nodiscard]] tl::expected<std::string, std::string> metrics_text() {
    auto now = ask<MetricsNow>(inbox_, metrics_of);
    if (!now) return tl::unexpected{std::string{"the control loop does not answer"}};
    const auto standing = money_standing(books_ports(), moment(clock_));
    if (!standing) return tl::unexpected{standing.error().message};
    now->queue = standing->queue;
    now->exposure = standing->worst_case();
    now->oldest_age = standing->oldest_age;
    now->readers = readers_health();
    now->disk_bytes_written = disk_bytes_written();
    now->disk_bytes_free = disk_bytes_free(config_.state_dir);
    return metrics_.text(*now);
  }

  void start_readers() {
    constexpr std::chrono::milliseconds pace{50};       // hardware notes: 10 to 20 polls a second
    constexpr std::chrono::milliseconds patience{250};  // a chip that works needs a tenth of it
    for (std::size_t i = 0; i < hardware_.taps.size(); ++i) {
      const ReaderThread& reader =
          readers_.emplace_back(std::move(hardware_.taps[i].reader), drivers::PresenceRules{}, pace,
                                clock_, reports_of_reader(i));
      controller_.watch_reader_of(i, [&reader] { return reader.last_look(); });
    }
    // A guest who sees a tap that is ready may lay a card on: it must not be taken for one that
    // lay there. A reader that hangs keeps no bar waiting.
    for (const ReaderThread& reader : readers_) {
      if (!reader.wait_for_first_look(patience)) break;
    }
  }

  const Config& config_;
  Metrics& metrics_;
  std::string server_trouble_;
  drivers::SystemClock clock_;
  model::BootId boot_;
  ControlInbox inbox_;
  Hardware hardware_;
  std::unique_ptr<storage::Ledger> ledger_;
  Controller controller_;
  std::unique_ptr<StorageThread> storage_;
  StorageDesk desk_;
  std::unique_ptr<SyncThread> sync_;
  std::unique_ptr<BookKeepingThread> books_;
  CardLog cards_;
  std::list<ReaderThread> readers_;
  std::unique_ptr<StateStream> states_;
  std::unique_ptr<HttpServer> api_;
  std::unique_ptr<HttpServer> scraped_;
};

}  // namespace

const char* version() {
  return TAPD_VERSION;
}

namespace {

/// The configuration as the file has it now; nullopt, and a line that says why, when it is bad.
std::optional<Config> next_config(const std::filesystem::path& file, Journal& journal) {
  try {
    return read_config(file);
  } catch (const std::exception& error) {
    journal.line(
        Message::config_refused, Level::error,
        fmt::format("the new configuration is not good and the old one stays: {}", error.what()));
    return std::nullopt;
  }
}

/// Opens everything with the next configuration, or with the old one when that cannot be. `config`
/// is the one in force afterwards.
std::unique_ptr<Running> reopen(Config& config, Config next, Metrics& journal) {
  Config old = std::exchange(config, std::move(next));
  try {
    auto running = std::make_unique<Running>(config, &old, journal);
    journal.line(Message::config_reloaded, Level::info, "the new configuration is in force");
    return running;
  } catch (const std::exception& error) {
    journal.line(Message::config_refused, Level::error,
                 fmt::format("tapd cannot run with the new configuration and the old one stays: {}",
                             error.what()));
  }
  config = std::move(old);
  return std::make_unique<Running>(config, nullptr, journal);
}

}  // namespace

int run_tapd(Config config, const std::filesystem::path& file, JournalThread& journal) {
  journal.line(Message::tapd_starts, Level::info,
               fmt::format("tapd {} starts as {}", version(), config.controller_id));
  ServiceNotify service{std::getenv("NOTIFY_SOCKET"), std::getenv("WATCHDOG_USEC"),
                        std::getenv("WATCHDOG_PID")};
  Metrics metrics{journal, drivers::since_boot_now};
  auto running = std::make_unique<Running>(config, nullptr, metrics);
  for (;;) {
    std::optional<Config> next;
    const LoopEnd end = running->run(service, [&] {
      next = next_config(file, metrics);
      return next.has_value();
    });
    if (end != LoopEnd::reload) return end == LoopEnd::stopped ? 0 : 1;
    service.reloading(drivers::monotonic_now());
    running.reset();
    running = reopen(config, *std::move(next), metrics);
    journal.set_least(level_from(config.log_level));
  }
}

}  // namespace tapd
