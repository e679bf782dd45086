#include "daemon/app.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <list>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "daemon/api.hpp"
#include "daemon/book_keeping_thread.hpp"
#include "daemon/control_loop.hpp"
#include "daemon/controller.hpp"
#include "daemon/hardware.hpp"
#include "daemon/http_server.hpp"
#include "daemon/journal_lines.hpp"
#include "daemon/kill_check.hpp"
#include "daemon/reader_thread.hpp"
#include "daemon/storage_thread.hpp"
#include "daemon/sync_thread.hpp"
#include "drivers/clock.hpp"
#include "storage/restoring.hpp"
#include "sync/curl_transport.hpp"

namespace tapd {
namespace {

std::string read_secret(const std::filesystem::path& file) {
  if (file.empty()) return {};
  std::ifstream in{file};
  std::string token;
  if (!in || !std::getline(in, token) || token.empty()) {
    throw std::runtime_error{fmt::format(
        "{}: no token can be read there (server.token_file): put the venue's token into it, one "
        "line, readable by tapd only",
        file.string())};
  }
  return token;
}

/// The value that an earlier run learnt, if the ledger has one.
std::optional<std::chrono::microseconds> known_close_time(const storage::Ledger& ledger,
                                                          model::TapId tap) {
  const auto kept = ledger.meta(close_time_key(tap));
  if (!kept || !*kept) return std::nullopt;
  return std::chrono::microseconds{std::strtoll((*kept)->c_str(), nullptr, 10)};
}

std::vector<TapSetup> set_up_taps(const Config& config, Hardware& hardware, storage::Ledger& ledger,
                                  const std::string& unsafe, const model::Moment& now) {
  std::vector<TapSetup> setups;
  for (std::size_t i = 0; i < config.taps.size(); ++i) {
    const TapConfig& tap = config.taps[i];
    Calibration calibration = tap.meter.calibration;
    const auto id = ledger.calibration(tap.id, calibration.nominal(), calibration.curve_text(),
                                       "configuration", now);
    if (!id) throw std::runtime_error{id.error().message};
    calibration.id = *id;
    setups.push_back({.id = tap.id,
                      .rules = tap.rules,
                      .calibration = calibration,
                      .known_close_time = known_close_time(ledger, tap.id),
                      .own_price = tap.own_price,
                      .meter = hardware.taps[i].meter.get(),
                      .valve = hardware.taps[i].valve.get(),
                      .indicator = hardware.taps[i].indicator.get(),
                      .keep_alive = hardware.taps[i].keep_alive.get(),
                      .unsafe = tap.simulated ? std::string{} : unsafe,
                      .last_look = {}});
  }
  return setups;
}

sync::EngineOptions engine_options(const Config& config) {
  sync::EngineOptions options;
  options.controller_id = config.controller_id;
  options.firmware_version = version();
  options.token = read_secret(config.server.token_file);
  options.batch_size = config.server.batch_size;
  options.attempt_cap = config.server.attempt_cap;
  options.authorize_deadline = config.server.authorize_deadline;
  options.request_deadline = config.server.request_deadline;
  options.snapshot_interval = config.server.snapshot_interval;
  options.longest_backoff = config.server.longest_backoff;
  return options;
}

std::unique_ptr<sync::Transport> make_transport(const Config& config) {
  sync::CurlOptions options;
  options.base_url = config.server.url;
  if (!config.server.ca_file.empty()) options.ca_file = config.server.ca_file.string();
  if (!config.server.client_certificate_file.empty()) {
    options.client_certificate_file = config.server.client_certificate_file.string();
    options.client_key_file = config.server.client_key_file.string();
  }
  options.user_agent = fmt::format("tapd/{}", version());
  return std::make_unique<sync::CurlTransport>(options);
}

void say_what_was_opened(const Config& config, const Hardware& hardware, Journal& journal) {
  for (std::size_t i = 0; i < hardware.taps.size(); ++i) {
    const TapHardware& tap = hardware.taps[i];
    journal.line(Level::info,
                 fmt::format("tap {}: valve {}; meter {}; reader {}", config.taps[i].id.number(),
                             tap.valve->describe(), tap.meter->describe(), tap.reader->describe()));
    if (tap.keep_alive) {
      journal.line(Level::info, fmt::format("tap {}: keep-alive {}", config.taps[i].id.number(),
                                            tap.keep_alive->describe()));
    }
  }
}

std::unique_ptr<storage::Ledger> open_ledger(const Config& config, const model::BootId& boot,
                                             const model::Moment& now, Journal& journal) {
  storage::LedgerOptions options;
  options.file = config.ledger_file();
  options.boot = boot;
  options.medium_blocks = config.storage.medium_blocks;
  std::vector<std::string> told;
  auto ledger =
      storage::open_or_restore({.ledger = options,
                                .backup = config.storage.books.backup_file,
                                .start_empty_after_loss = config.storage.start_empty_after_loss,
                                .now = now},
                               told);
  for (const std::string& line : told) journal.line(Level::error, "ledger: " + line);
  const auto recovered = ledger->finish_open_pours(now);
  if (!recovered) throw std::runtime_error{recovered.error().message};
  for (const storage::RecoveredPour& pour : *recovered) {
    const JournalLine line = line_for(pour);
    journal.line(line.level, line.text);
  }
  const auto stopped = ledger->stop_open_flow_events(now);
  if (!stopped) throw std::runtime_error{stopped.error().message};
  return ledger;
}

/// Everything that runs, in the order in which it is made; taken down in reverse.
class Running {
 public:
  Running(const Config& config, Journal& journal)
      : config_{config},
        journal_{journal},
        boot_{drivers::boot_id()},
        hardware_{open_hardware(config, clock_)},
        ledger_{open_ledger(config, boot_, moment(clock_), journal)},
        controller_{
            options(),
            set_up_taps(config, hardware_, *ledger_, check_kill(config, journal), moment(clock_)),
            ports()},
        storage_{std::make_unique<StorageThread>(
            *ledger_, boot_, [this](StorageAnswer answer) { tell_loop(std::move(answer)); })} {
    say_what_was_opened(config, hardware_, journal);
    if (!config.server.url.empty()) {
      sync_ = std::make_unique<SyncThread>(
          engine_options(config), *storage_, boot_, make_transport(config), clock_,
          [this](sync::Notice notice) { tell_loop(std::move(notice)); });
    } else {
      journal.line(Level::warning, "no server.url is configured: pours wait in the queue");
    }
    books_ = std::make_unique<BookKeepingThread>(
        config.storage.books, *storage_, [this] { return moment(clock_); }, journal);
    start_readers();
    if (hardware_.player) hardware_.player->begin();
    api_ = std::make_unique<HttpServer>(config.socket,
                                        Api{{.control = &inbox_,
                                             .storage = storage_.get(),
                                             .books = books_ports(),
                                             .simulate = hardware_.simulate,
                                             .readers = [this] { return readers_health(); },
                                             .controller_id = config.controller_id,
                                             .version = version()}});
  }

  int run() {
    ControlLoop loop{controller_, inbox_, clock_, journal_};
    ServiceNotify service{std::getenv("NOTIFY_SOCKET"), std::getenv("WATCHDOG_USEC"),
                          std::getenv("WATCHDOG_PID")};
    loop.tell(service);
    journal_.line(Level::info, fmt::format("ready: {} taps, API on {}", hardware_.taps.size(),
                                           config_.socket.string()));
    if (const auto first = run_before_others(config_.realtime_priority); !first) {
      journal_.line(Level::warning,
                    fmt::format("no real-time priority for the control loop ({}): a busy board may "
                                "cut off later; allow it (LimitRTPRIO), or set "
                                "controller.realtime_priority = 0",
                                first.error()));
    }
    return loop.run();
  }

 private:
  ControllerOptions options() const {
    ControllerOptions options;
    options.authorize =
        config_.server.url.empty() ? AuthorizeMode::cached : config_.server.authorize;
    options.policy = config_.policy;
    options.boot = boot_;
    return options;
  }

  BooksApiPorts books_ports() {
    return {.storage = storage_.get(),
            .keeper = books_.get(),
            .policy = config_.policy,
            .boot = boot_,
            .now = [this] { return moment(clock_); }};
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
            .journal = &journal_};
  }

  template<typename Message>
  void tell_loop(Message message) {
    if (!inbox_.put(ControlMessage{std::move(message)})) {
      journal_.line(Level::error, "the control loop does not take its messages");
    }
  }

  ReaderThread::Reports reports_of_reader(std::size_t i) {
    return {.presence =
                [this, i](drivers::PresenceEvent event) {
                  tell_loop(Presence{.tap = i, .event = std::move(event)});
                },
            .note =
                [this, i](const drivers::ReaderNote& note) {
                  journal_.line(
                      note.serious ? Level::error : Level::info,
                      fmt::format("reader of tap {}: {}", config_.taps[i].id.number(), note.text));
                }};
  }

  [[nodiscard]] std::vector<drivers::ReaderHealth> readers_health() const {
    std::vector<drivers::ReaderHealth> all;
    for (const ReaderThread& reader : readers_) all.push_back(reader.health());
    return all;
  }

  void start_readers() {
    constexpr std::chrono::milliseconds pace{50};  // hardware notes: 10 to 20 polls a second
    for (std::size_t i = 0; i < hardware_.taps.size(); ++i) {
      const ReaderThread& reader =
          readers_.emplace_back(std::move(hardware_.taps[i].reader), drivers::PresenceRules{}, pace,
                                clock_, reports_of_reader(i));
      controller_.watch_reader_of(i, [&reader] { return reader.last_look(); });
    }
  }

  const Config& config_;
  Journal& journal_;
  drivers::SystemClock clock_;
  model::BootId boot_;
  ControlInbox inbox_;
  Hardware hardware_;
  std::unique_ptr<storage::Ledger> ledger_;
  Controller controller_;
  std::unique_ptr<StorageThread> storage_;
  std::unique_ptr<SyncThread> sync_;
  std::unique_ptr<BookKeepingThread> books_;
  std::list<ReaderThread> readers_;
  std::unique_ptr<HttpServer> api_;
};

}  // namespace

const char* version() {
  return TAPD_VERSION;
}

int run_tapd(const Config& config, Journal& journal) {
  journal.line(Level::info, fmt::format("tapd {} starts as {}", version(), config.controller_id));
  Running running{config, journal};
  return running.run();
}

}  // namespace tapd
