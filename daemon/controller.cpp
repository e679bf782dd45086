#include "daemon/controller.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "daemon/journal_lines.hpp"

namespace tapd {

using model::Moment;

Controller::Controller(ControllerOptions options, std::vector<TapSetup> taps, ControllerPorts ports)
    : options_{std::move(options)},
      ports_{std::move(ports)},
      pace_{options_.slow_write, options_.slow_for} {
  taps_.reserve(taps.size());
  for (TapSetup& setup : taps) {
    TailEstimate tail{setup.rules.longest_close_time, setup.known_close_time};
    TapSession session{setup.id, setup.rules, setup.calibration, std::move(tail)};
    taps_.emplace_back(std::move(setup), std::move(session));
  }
}

void Controller::start(const Moment& now) {
  for (TapSlot& tap : taps_) {
    command_valve(tap, false, now);
    if (!tap.setup.unsafe.empty()) {
      deliver(tap, Locked{LockReason::unsafe_kill, tap.setup.unsafe}, now);
    }
    if (!tap.setup.locked_by_staff.empty()) {
      deliver(tap, Locked{LockReason::service, tap.setup.locked_by_staff}, now);
    }
    close_as_before(tap, now);
    deliver(tap, Started{}, now);
  }
  // A meter that is not there is told before a guest is served by it.
  for (std::size_t tap = 0; tap < taps_.size(); ++tap) on_meter(tap, now);
  ports_.storage(ReadWorld{});
}

// --- what comes in -------------------------------------------------------------------------------

namespace {

/// An answer to what `post_write` asked for.
bool is_write(const StorageAnswer& answer) {
  return std::holds_alternative<BeginRowDone>(answer) ||
         std::holds_alternative<ProgressRowDone>(answer) ||
         std::holds_alternative<EndRowDone>(answer);
}

void add_up(MeterCounts& counts, const drivers::MeterReading& reading) {
  counts.edges += reading.edges;
  counts.rejected += reading.rejected;
  counts.edges_lost += reading.edges_lost;
  counts.out_of_turn += reading.out_of_turn;
  static_assert(std::tuple_size_v<decltype(counts.intervals)> ==
                std::tuple_size_v<decltype(reading.intervals.counts)>);
  for (std::size_t step = 0; step < counts.intervals.size(); ++step) {
    counts.intervals.at(step) += reading.intervals.counts.at(step);
  }
}

}  // namespace

void Controller::on_meter(std::size_t tap, const Moment& now) {
  TapSlot& slot = taps_.at(tap);
  const drivers::MeterReading reading = slot.setup.meter->read(now.since_boot);
  add_up(slot.counts, reading);
  if (reading.edges > 0 || reading.rejected > 0) {
    slot.newest_edge = reading.last_edge;
    deliver(slot,
            Flow{.edges = reading.edges,
                 .edges_lost = reading.edges_lost,
                 .rejected = reading.rejected,
                 .out_of_turn = reading.out_of_turn,
                 .newest = reading.last_edge},
            now);
  }
  if (!reading.fault.empty()) {
    deliver(slot, Faulted{.kind = FaultKind::meter, .what = reading.fault}, now);
  }
}

void Controller::on_storage(const StorageAnswer& answer, const Moment& now) {
  if (is_write(answer)) pace_.answered(now.since_boot);
  if (const auto* begun = std::get_if<BeginRowDone>(&answer)) return on_begin_row(*begun, now);
  if (const auto* progress = std::get_if<ProgressRowDone>(&answer)) {
    TapSlot* tap = find(progress->tap);
    if (tap == nullptr) return;
    tap->progress_posted.reset();
    if (!progress->result) {
      return deliver(*tap, Locked{LockReason::storage, progress->result.error().message}, now);
    }
    deliver(*tap, Unlocked{LockReason::storage}, now);
    return deliver(*tap, ProgressWritten{}, now);
  }
  if (const auto* ended = std::get_if<EndRowDone>(&answer)) return on_end_row(*ended, now);
  if (const auto* facts = std::get_if<FactsRead>(&answer)) {
    for (TapSlot& tap : taps_) {
      if (tap.staff_ticket == facts->ticket) decide_staff(tap, *facts, now);
      if (tap.ticket == facts->ticket) decide(tap, *facts, now);
      if (tap.guest_ticket == facts->ticket && facts->result) {
        refuse_late(tap, *facts->result, now);
      }
    }
    return;
  }
  if (const auto* world = std::get_if<WorldRead>(&answer)) {
    if (world->result) on_world(*world->result, now);
  }
  if (const auto* flow = std::get_if<FlowEventDone>(&answer)) on_flow_event(*flow, now);
  if (const auto* act = std::get_if<ActNoted>(&answer)) on_act_noted(*act, now);
  if (const auto* noted = std::get_if<ClockNoted>(&answer)) on_clock_noted(*noted, now);
  if (const auto* kept = std::get_if<ClosingsKept>(&answer)) on_closings_kept(*kept, now);
}

void Controller::on_begin_row(const BeginRowDone& done, const Moment& now) {
  TapSlot* tap = find(done.tap);
  if (tap == nullptr || tap->session.view().client_tx_id != done.client_tx_id) return;
  const auto lifted_by = std::exchange(tap->lifted_by, std::nullopt);
  if (done.result && !*done.result) return deliver(*tap, BeginWritten{}, now);
  // Nothing was poured beyond the limits: the lift is for the next one still.
  if (lifted_by) tap->service_card = lifted_by;
  const Denial denial = done.result ? **done.result
                                    : Denial{.reason = DenialReason::ledger_unavailable,
                                             .message = done.result.error().message};
  deliver(*tap, BeginFailed{denial}, now);
}

void Controller::on_end_row(const EndRowDone& done, const Moment& now) {
  TapSlot* tap = find(done.tap);
  if (tap == nullptr || !tap->unwritten_end ||
      tap->unwritten_end->end.last.client_tx_id != done.client_tx_id) {
    return;
  }
  const bool written =
      done.result.has_value() || done.result.error().kind == storage::Error::Kind::refused;
  if (!written) {
    // The row is open on disk with its last progress; its end is kept here and written again.
    tap->retry_end_at = now.since_boot + options_.end_retry;
    return deliver(*tap, Locked{LockReason::storage, done.result.error().message}, now);
  }
  if (!done.result) {
    ports_.journal->line(Message::ledger_trouble, Level::error,
                         "ledger: " + done.result.error().message, fields_of(*tap));
  }
  tap->unwritten_end.reset();
  tap->retry_end_at.reset();
  deliver(*tap, Unlocked{LockReason::storage}, now);
  ports_.pours_waiting();
  ports_.storage(ReadWorld{});
}

void Controller::on_sync(const sync::Notice& notice, const Moment& now) {
  ports_.journal->write(line_for(notice, options_.policy.sell_offline));
  if (const auto* answered = std::get_if<sync::AuthorizeAnswered>(&notice)) {
    on_authorized(*answered, now);
  } else if (std::holds_alternative<sync::ServerReachable>(notice)) {
    server_reachable_ = true;
  } else if (std::holds_alternative<sync::ServerUnreachable>(notice)) {
    server_reachable_ = false;
  } else if (const auto* stop = std::get_if<sync::EmergencyStop>(&notice)) {
    server_stop_ = stop->on;
    on_world(world_, now);
  } else if (std::holds_alternative<sync::SnapshotApplied>(notice) ||
             std::holds_alternative<sync::PoursConfirmed>(notice) ||
             std::holds_alternative<sync::PourNotBooked>(notice)) {
    if (std::holds_alternative<sync::SnapshotApplied>(notice)) look_at_guests();
    ports_.storage(ReadWorld{});
  }
}

void Controller::on_tick(const Moment& now) {
  last_tick_ = now.since_boot;
  watch_clock(now);
  for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
    // The filter holds the newest edge back until it has lasted; with no edge after it, this look
    // is what counts it.
    on_meter(tap, now);
  }
  write_events_again(now);
  for (TapSlot& tap : taps_) {
    watch_reader(tap, now);
    deliver(tap, Tick{}, now);
    drive_on(tap, now);
    keep_closings_again(tap, now);
    if (tap.progress_posted && now.since_boot - *tap.progress_posted >= options_.storage_stall) {
      deliver(tap, Locked{LockReason::storage, "the disk has not answered for too long"}, now);
    }
    if (tap.retry_end_at && now.since_boot >= *tap.retry_end_at) {
      tap.retry_end_at.reset();
      post_write(*tap.unwritten_end, now);
    }
  }
}

void Controller::drive_on(TapSlot& tap, const Moment& now) {
  if (const auto driven = tap.outputs.tick(now.since_boot); !driven) {
    deliver(tap, Faulted{.kind = FaultKind::valve, .what = driven.error()}, now);
  }
  if (const std::string trouble = tap.outputs.take_trouble(); !trouble.empty()) {
    ports_.journal->line(Message::lamp_failed, Level::warning,
                         fmt::format("tap {}: a lamp has failed and is given up: {}",
                                     tap.setup.id.number(), trouble));
  }
}

std::optional<model::SinceBoot> Controller::wake_at() const {
  std::optional<model::SinceBoot> soonest;
  const auto consider = [&](const std::optional<model::SinceBoot>& at) {
    if (at && (!soonest || *at < *soonest)) soonest = at;
  };
  for (const TapSlot& tap : taps_) {
    consider(tap.session.wake_at());
    consider(tap.outputs.wake_at());
    consider(tap.retry_end_at);
    consider(tap.keep_closings_at);
    if (tap.setup.last_look && (tap.session.valve_open() || tap.reader_stalled)) {
      // Stalled: look again every so often whether it has come back.
      const auto looked = tap.reader_stalled ? last_tick_ : tap.setup.last_look();
      consider(looked + options_.reader_stall);
    }
    if (tap.progress_posted && tap.session.valve_open()) {
      consider(*tap.progress_posted + options_.storage_stall);
    }
  }
  consider(retry_events_at_);
  return soonest;
}

void Controller::on_world(const World& world, const Moment& now) {
  if (&world != &world_) world_ = world;
  for (TapSlot& tap : taps_) {
    const auto told = std::find_if(world.taps.begin(), world.taps.end(),
                                   [&](const model::Tap& row) { return row.id == tap.setup.id; });
    const bool known = told != world.taps.end();
    const bool inactive = known && told->status != model::TapStatus::active;
    const auto set = [&](LockReason reason, bool on, const std::string& why) {
      deliver(tap, on ? Event{Locked{reason, why}} : Event{Unlocked{reason}}, now);
    };
    set(LockReason::emergency_stop, emergency_stop(), "the venue's emergency stop is on");
    set(LockReason::tap_status, inactive,
        known ? "the venue has set it to " + std::string{to_text(told->status)} : "");
    set(LockReason::no_keg, known && !told->keg_id, "no keg is connected at the venue");
    notice_new_keg(tap, known ? told->keg_id : std::nullopt, now);
  }
}

// --- what goes out -------------------------------------------------------------------------------

void Controller::deliver(TapSlot& tap, const Event& event, const Moment& now) {
  carry_out(tap, tap.session.on(event, now), now);
  keep_closings(tap);
}

void Controller::carry_out(TapSlot& tap, const Actions& actions, const Moment& now) {
  // The valve first: nothing that is said or written may come before it is shut.
  for (const Action& action : actions) {
    if (!std::holds_alternative<ShutValve>(action)) continue;
    command_valve(tap, false, now);
    tap.shut_after.reset();
    if (tap.newest_edge) tap.shut_after = now.since_boot - *tap.newest_edge;
  }
  for (const Action& action : actions) {
    if (std::holds_alternative<OpenValve>(action)) {
      // One that did not open is told as such; what follows is about an open one.
      if (!command_valve(tap, true, now)) return;
    } else if (const auto* ask = std::get_if<AskAuthorization>(&action)) {
      tap.card = ask->card;
      tap.guest.clear();
      ask_authorization(tap, ask->card);
    } else if (const auto* staff = std::get_if<AskStaff>(&action)) {
      tap.card = staff->card;
      tap.guest.clear();
      read_staff_facts(tap, staff->card);
    } else if (const auto* run = std::get_if<RunAct>(&action)) {
      note_act(tap, *run, now);
    } else if (const auto* stopped = std::get_if<StaffStopped>(&action)) {
      note_act(tap, {.act = ServiceAct::stop, .card = stopped->card}, now);
    } else if (const auto* begin = std::get_if<BeginPour>(&action)) {
      begin_row(tap, begin->begin, now);
    } else if (const auto* progress = std::get_if<RecordProgress>(&action)) {
      post_progress(tap, progress->progress, now);
    } else if (const auto* end = std::get_if<EndPour>(&action)) {
      end_row(tap, *end, now);
    } else if (const auto* show = std::get_if<Show>(&action)) {
      tap.outputs.show(show->display, now.since_boot);
    } else if (const auto* flow = std::get_if<ReportFlow>(&action)) {
      report_flow(tap, *flow, now);
    } else if (const auto* done = std::get_if<ServiceDone>(&action)) {
      report_service(tap, *done);
    } else if (const auto* listen = std::get_if<ListenToMeter>(&action)) {
      listen_to_meter(tap, listen->on, now);
    } else if (const auto* words = std::get_if<Say>(&action)) {
      say(tap, *words);
    }
  }
}

bool Controller::command_valve(TapSlot& tap, bool open, const Moment& now) {
  const auto done = open ? tap.outputs.open(now.since_boot) : tap.outputs.shut(now.since_boot);
  // A valve that does not obey: let nobody pour until staff has looked.
  if (!done) deliver(tap, Faulted{.kind = FaultKind::valve, .what = done.error()}, now);
  return done.has_value();
}

void Controller::shut_every_valve(const Moment& now) noexcept {
  for (TapSlot& tap : taps_) static_cast<void>(tap.outputs.shut(now.since_boot));
}

void Controller::post_write(StorageRequest write, const Moment& now) {
  pace_.asked(now.since_boot);
  ports_.storage(std::move(write));
}

void Controller::post_progress(TapSlot& tap, const model::PourProgress& progress,
                               const Moment& now) {
  tap.progress_posted = now.since_boot;
  post_write(ProgressRow{.tap = tap.setup.id, .progress = progress}, now);
}

void Controller::end_row(TapSlot& tap, const EndPour& end, const Moment& now) {
  ports_.journal->write(line_for(end, context(tap)));
  tap.unwritten_end = EndRow{.tap = tap.setup.id, .end = end.end, .close_time = end.close_time};
  post_write(*tap.unwritten_end, now);
}

TapContext Controller::context(const TapSlot& tap) {
  return {.tap = tap.setup.id,
          .card = tap.card,
          .guest = tap.guest,
          .beverage = tap.beverage,
          .state = to_text(tap.session.state()),
          .shut_after = tap.shut_after,
          .client_tx_id = tap.session.view().client_tx_id};
}

JournalFields Controller::fields_of(const TapSlot& tap) {
  JournalFields fields;
  fields.tap = tap.setup.id;
  fields.state = std::string{to_text(tap.session.state())};
  return fields;
}

void Controller::say(const TapSlot& tap, const Say& say) {
  ports_.journal->write(line_for(say, context(tap)));
}

Controller::TapSlot* Controller::find(model::TapId id) {
  const auto found = std::find_if(taps_.begin(), taps_.end(),
                                  [id](const TapSlot& tap) { return tap.setup.id == id; });
  return found == taps_.end() ? nullptr : &*found;
}

const Controller::TapSlot* Controller::find(model::TapId id) const {
  const auto found = std::find_if(taps_.begin(), taps_.end(),
                                  [id](const TapSlot& tap) { return tap.setup.id == id; });
  return found == taps_.end() ? nullptr : &*found;
}

// --- the end -------------------------------------------------------------------------------------

void Controller::shut_down(const Moment& now) {
  for (TapSlot& tap : taps_) deliver(tap, Locked{LockReason::shutdown, "tapd is stopping"}, now);
}

bool Controller::at_rest() const {
  return std::all_of(taps_.begin(), taps_.end(), [](const TapSlot& tap) {
    const TapState state = tap.session.state();
    const bool session_over = state != TapState::preparing && state != TapState::ready &&
                              state != TapState::pouring && state != TapState::settling &&
                              state != TapState::servicing;
    return session_over && !tap.unwritten_end;
  });
}

}  // namespace tapd
