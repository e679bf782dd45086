#include "life.hpp"

#include <algorithm>
#include <utility>

#include "daemon/start_up.hpp"
#include "storage/upkeep.hpp"

namespace tapd::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Time reader_pace = 50ms;
constexpr Time look_takes = 4ms;
/// After so many looks at an empty field nothing changes any more until a card comes.
constexpr int looks_until_quiet = 20;
constexpr std::chrono::hours keep_confirmed{48};  ///< A run lasts some days or weeks.
/// Edges that come within so long wake the control loop together.
constexpr Time meter_grain = 15ms;
/// More requests than these wait for the storage only if something spins.
constexpr std::size_t most_waiting = 64;

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): without memory for a line the run may end
void Life::SayAll::write(const JournalLine& line) noexcept {
  trace_.say("tapd: {}", line.text);
}

Life::Life(Site& site)
    : site_{site},
      number_{++site.life},
      journal_{site.trace},
      random_{site.plan.stream(1'000 + number_)},
      forgets_{site.plan.stream(12).chance(50)},
      control_alarm_{site.agenda, [this] { tick(); }},
      closings_(site.rigs.size()),
      sync_alarm_{site.agenda, [this] { pump(); }} {
  for (const auto& rig : site_.rigs) rig->connect(site_.agenda.now(), now().since_boot);
  try {
    ledger_ = std::make_unique<storage::Ledger>(storage::LedgerOptions{
        .file = crash::ledger_name, .vfs = site_.disk.vfs(), .boot = site_.clock.id()});
    if (site_.plan.planted != Planted::no_recovery) {
      finish_what_was_open(*ledger_, now(), journal_);
    }
    controller_ = std::make_unique<Controller>(
        ControllerOptions{.authorize = site_.plan.cached_first ? AuthorizeMode::cached
                                                               : AuthorizeMode::online_first,
                          .policy = policy(),
                          .boot = site_.clock.id()},
        set_up_taps(), ports());
  } catch (const std::exception&) {
    if (site_.disk.process_ends()) throw ProcessEnds{};
    throw;
  }
  if (site_.disk.process_ends()) throw ProcessEnds{};
  site_.referee.started(*ledger_);
  books_ = std::make_unique<LedgerBooks>(
      [this](const std::function<void(storage::Ledger&)>& work) { on_ledger(work); },
      site_.clock.id());
  sync::EngineOptions options;
  options.controller_id = "bar-1";
  options.firmware_version = "0.1.0";
  options.token = venue_token;
  constexpr std::array intervals{60'000ms, 600'000ms, 1'800'000ms, 3'600'000ms};
  options.snapshot_interval = intervals.at(site_.plan.stream(6).below(intervals.size()));
  options.whole_snapshot_interval = 20 * options.snapshot_interval;
  options.register_interval = 300'000ms;
  options.longest_row_retry = 600'000ms;
  engine_ = std::make_unique<sync::Engine>(options, *books_, [this](std::uint64_t bound) {
    return bound == 0 ? 0 : random_.below(bound);
  });
}

Life::~Life() {
  ++site_.life;
  for (const auto& rig : site_.rigs) {
    rig->on_change = nullptr;
    rig->let_go();
  }
}

void Life::start() {
  for (std::size_t tap = 0; tap < site_.rigs.size(); ++tap) {
    meter_alarms_.push_back(std::make_unique<Alarm>(site_.agenda, [this, tap] {
      in_control([this, tap] { controller_->on_meter(tap, now()); });
    }));
    readers_.push_back(std::make_unique<Reader>(site_.agenda, [this, tap] { look_at(tap); }));
    readers_[tap]->luck = site_.plan.stream(2'000 + 10 * number_ + tap);
    readers_[tap]->last_look = now().since_boot;
    controller_->watch_reader_of(tap, [this, tap] { return last_look_of(tap); });
    site_.rigs[tap]->on_change = [this, tap] { look(tap); };
  }
  in_control([this] { controller_->start(now()); });
  for (std::size_t tap = 0; tap < readers_.size(); ++tap) look(tap);
  pump();
}

void Life::stop() {
  in_control([this] { controller_->shut_down(now()); });
}

void Life::clear(std::size_t tap) {
  in_control([this, tap] {
    static_cast<void>(controller_->clear(model::TapId{static_cast<std::int32_t>(tap) + 1}, now()));
  });
}

/// What is put down for this run of the daemon is void when it has ended.
void Life::put_down(Time when, std::function<void()> what) {
  site_.agenda.at(when, [&site = site_, number = number_, what = std::move(what)] {
    if (site.life == number) what();
  });
}

// --- the control loop ----------------------------------------------------------------------------

void Life::in_control(std::function<void()> what) {
  if (site_.referee.board_busy_until > site_.agenda.now()) {
    put_down(site_.referee.board_busy_until, [this, what = std::move(what)] { in_control(what); });
    return;
  }
  what();
  for (std::size_t tap = 0; tap < site_.rigs.size(); ++tap) {
    site_.trace.count(static_cast<std::uint64_t>(controller_->session(tap).state()));
  }
  site_.referee.after_step(*controller_);
  rearm();
}

void Life::tick() {
  const bool open = std::any_of(site_.rigs.begin(), site_.rigs.end(),
                                [](const auto& rig) { return rig->valve_line_open(); });
  if (open && site_.plan.planted == Planted::late_ticks) return;
  in_control([this] { controller_->on_tick(now()); });
}

void Life::rearm() {
  const auto wake = controller_->wake_at();
  control_alarm_.set(wake ? std::optional{site_.clock.to_world(*wake)} : std::nullopt);
  for (std::size_t tap = 0; tap < meter_alarms_.size(); ++tap) {
    meter_alarms_[tap]->set(site_.rigs[tap]->meter_wakes(meter_grain));
  }
}

// --- readers -------------------------------------------------------------------------------------

void Life::look(std::size_t tap) {
  Reader& reader = *readers_.at(tap);
  if (reader.sleeps) reader.last_look = now().since_boot;
  reader.quiet_looks = 0;
  reader.sleeps = false;
  reader.alarm.set(site_.agenda.now() + std::chrono::microseconds{reader.luck.between(0, 50'000)});
  // The physics may have changed under the meter.
  in_control([] {});
}

void Life::look_at(std::size_t tap) {
  Reader& reader = *readers_[tap];
  TapRig& rig = *site_.rigs[tap];
  if (rig.ailments.reader_silent) return;  // `look` wakes it when that has passed.
  const drivers::Look look = rig.look(reader.luck);
  reader.last_look = now().since_boot;
  for (drivers::PresenceEvent& event : reader.presence.on(look, now().since_boot)) {
    in_control(
        [this, tap, event = std::move(event)] { controller_->on_presence(tap, event, now()); });
  }
  const bool nobody = std::holds_alternative<drivers::NobodyThere>(look);
  reader.quiet_looks = nobody && !reader.presence.present() ? reader.quiet_looks + 1 : 0;
  reader.sleeps = reader.quiet_looks >= looks_until_quiet && rig.cards().empty();
  if (!reader.sleeps) reader.alarm.set(site_.agenda.now() + reader_pace + look_takes);
}

model::SinceBoot Life::last_look_of(std::size_t tap) const {
  const Reader& reader = *readers_[tap];
  return reader.sleeps ? now().since_boot : reader.last_look;
}

// --- the storage thread --------------------------------------------------------------------------

void Life::post(StorageRequest request) {
  site_.referee.on_request(request);
  waiting_.push_back(std::move(request));
  if (waiting_.size() > most_waiting) throw Breach{"bounds", "requests pile up at the storage"};
  if (!storage_busy_) begin_batch();
}

void Life::begin_batch() {
  storage_busy_ = true;
  batch_ = std::exchange(waiting_, {});
  const Time takes = site_.disk.latency();
  site_.referee.on_batch(takes);
  // Durable long before it is told, or only just before: both happen.
  const bool early = random_.chance(50);
  if (early) put_down(site_.agenda.now(), [this] { carry_out_batch(); });
  put_down(site_.agenda.now() + takes, [this, early] {
    if (!early) carry_out_batch();
    end_batch();
  });
}

void Life::carry_out_batch() {
  answers_ = carry_out_together(*ledger_, site_.clock.id(), as_planted(batch_));
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    if (is_left_out(batch_[i])) answers_[i] = done(batch_[i]);
  }
  if (site_.disk.process_ends()) throw ProcessEnds{};
}

void Life::end_batch() {
  storage_busy_ = false;
  bool ended = false;
  for (const StorageAnswer& answer : std::exchange(answers_, {})) {
    site_.referee.on_answer(answer);
    ended |= std::holds_alternative<EndRowDone>(answer);
    in_control([this, answer = as_planted(answer)] { controller_->on_storage(answer, now()); });
  }
  if (ended) read_ledger(false);
  if (!storage_busy_ && !waiting_.empty()) begin_batch();
  if (!storage_busy_) pump();
}

void Life::on_ledger(const std::function<void(storage::Ledger&)>& work) {
  work(*ledger_);
  if (site_.disk.process_ends()) throw ProcessEnds{};
}

void Life::read_ledger(bool all) {
  const std::size_t operations = site_.disk.operations();
  if (operations == written_ && !all) return;
  written_ = operations;
  site_.referee.read_ledger(*ledger_, all);
  site_.disk.fold();
}

void Life::keep_books() {
  if (storage_busy_) return;
  on_ledger([this](storage::Ledger& ledger) {
    const auto walked = ledger.verify_chain(walked_to_, 100'000);
    if (!walked) return;  // The disk does not answer.
    if (walked->broken) throw Breach{"chain", walked->broken->what};
    walked_to_ = walked->reached;
    if (forgets_ && now().wall_trusted) forget(ledger);
  });
}

bool Life::back_up(SpoiltCard& beside) {
  bool made = false;
  if (!storage_busy_) on_ledger([&](storage::Ledger& ledger) { made = beside.back_up(ledger); });
  return made;
}

void Life::forget(storage::Ledger& ledger) {
  constexpr std::size_t rows_at_once = 200;
  site_.referee.begins_to_forget();
  std::int64_t pours = 0;
  std::int64_t after = 0;
  const auto balances = now().wall - std::max(keep_confirmed, policy().oldest_balance);
  for (bool more = true; more;) {
    const auto gone =
        ledger.forget_confirmed(now().wall - keep_confirmed, after, rows_at_once, balances);
    if (!gone) return;  // The disk does not answer.
    pours += gone->pours;
    after = gone->reached;
    more = gone->more;
  }
  site_.trace.say("tapd: {} old pours are forgotten", pours);
  site_.referee.has_forgotten(ledger, pours);
}

// --- the sync thread -----------------------------------------------------------------------------

void Life::pump() {
  if (storage_busy_) return;  // `end_batch` comes back.
  while (!completions_.empty()) {
    const sync::Completion done = std::move(completions_.front());
    completions_.pop_front();
    engine_->on_outcome(done.id, done.outcome, now());
  }
  if (std::exchange(pours_waiting_, false)) engine_->pours_waiting();
  for (const sync::AuthorizeAsk& ask : std::exchange(asks_, {})) engine_->ask(ask, now());
  for (const sync::Outgoing& outgoing : engine_->due(now())) begin_request(outgoing);
  tell_notices();
  sync_alarm_.set(site_.clock.to_world(engine_->wake_at()));
}

void Life::begin_request(const sync::Outgoing& outgoing) {
  site_.trace.say("sync: {} {}", outgoing.id, outgoing.request.path);
  site_.network.carry(outgoing.request, [&site = site_, this, number = number_,
                                         id = outgoing.id](const sync::HttpOutcome& outcome) {
    if (site.life != number) return;
    site.trace.say("sync: {} {}", id, outcome ? outcome->status : static_cast<int>(-1));
    completions_.push_back({id, outcome});
    pump();
  });
}

void Life::tell_notices() {
  for (sync::Notice& notice : engine_->take_notices()) {
    in_control([this, notice = std::move(notice)] {
      if (const auto* stop = std::get_if<sync::EmergencyStop>(&notice)) {
        site_.referee.on_stop_heard(stop->on);
        if (site_.plan.planted == Planted::stop_not_told) return;
      } else if (std::holds_alternative<sync::ServerUnreachable>(notice)) {
        site_.referee.on_unreachable();
      }
      if (const auto* answer = std::get_if<sync::AuthorizeAnswered>(&notice);
          answer != nullptr && std::holds_alternative<sync::Refused>(answer->verdict) &&
          newest_ask_[answer->tap] == answer->ticket) {
        site_.referee.on_refused(answer->card, answer->tap);
        if (site_.plan.planted == Planted::refusals_ignored) {
          sync::AuthorizeAnswered other = *answer;
          other.verdict = sync::NoAnswer{.why = "planted"};
          return controller_->on_sync(other, now());
        }
      }
      controller_->on_sync(notice, now());
    });
  }
}

// --- what the daemon is made of ------------------------------------------------------------------

std::vector<TapSetup> Life::set_up_taps() {
  const auto configured =
      Calibration::from_milli_pulses_per_litre(site_.plan.milli_pulses_per_litre);
  std::vector<TapSetup> setups;
  for (std::size_t tap = 0; tap < site_.rigs.size(); ++tap) {
    const model::TapId id{static_cast<std::int32_t>(tap) + 1};
    const KnownTap known = know_tap(*ledger_, id, configured, now(), journal_);
    setups.push_back({.id = id,
                      .rules = session_rules(site_.plan),
                      .calibration = known.calibration,
                      .configured = configured,
                      .known_close_time = known.close_time,
                      .own_price = {},
                      .meter = &site_.rigs[tap]->meter(),
                      .valve = &site_.rigs[tap]->valve(),
                      .locked_by_staff = site_.plan.planted == Planted::open_again
                                             ? std::string{}
                                             : known.locked_by_staff,
                      .closed_by_itself = known.closed_by_itself,
                      .last_look = {}});
  }
  return setups;
}

ControllerPorts Life::ports() {
  return {.storage = [this](StorageRequest request) { post(std::move(request)); },
          .ask_server =
              [this](sync::AuthorizeAsk ask) {
                newest_ask_[ask.tap] = ask.ticket;
                site_.referee.on_asked(ask.tap);
                asks_.push_back(std::move(ask));
                put_down(site_.agenda.now(), [this] { pump(); });
              },
          .pours_waiting =
              [this] {
                pours_waiting_ = true;
                put_down(site_.agenda.now(), [this] { pump(); });
              },
          .random_id =
              [this] {
                std::array<std::uint8_t, 16> bytes{};
                for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random_.next());
                return bytes;
              },
          .journal = &journal_};
}

}  // namespace tapd::simulation
