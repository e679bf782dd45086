// The controller's part for staff: what they do at a tap by tapctl.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/controller.hpp"
#include "daemon/journal_lines.hpp"

namespace tapd {

using model::Moment;

namespace {

std::string no_such_tap(model::TapId id) {
  return fmt::format("there is no tap {}", id.number());
}

}  // namespace

tl::expected<void, std::string> Controller::clear(model::TapId id, const Moment& now) {
  TapSlot* tap = find(id);
  if (tap == nullptr) return tl::unexpected{no_such_tap(id)};
  ports_.journal->line(Message::tap_cleared, Level::info,
                       fmt::format("tap {}: cleared by hand", id.number()), fields_of(*tap));
  deliver(*tap, Cleared{}, now);
  tap->outputs.retake_lamps(now.since_boot);
  const auto taken = retake_lines(*tap, now);
  if (taken && tap->session.state() != TapState::faulted) return {};
  std::string left = fmt::format("tap {} is still out of order: {}", id.number(),
                                 taken ? tap->session.view().reason : taken.error());
  if (!taken) {
    const bool valve = tap->session.has_fault(FaultKind::valve);
    ports_.journal->line(valve ? Message::fault_valve : Message::fault_meter, Level::error, left,
                         fields_of(*tap));
  }
  return tl::unexpected{std::move(left)};
}

/// The valve's line first, shut; nobody listens to a meter whose valve is not in hand.
tl::expected<void, std::string> Controller::retake_lines(TapSlot& tap, const Moment& now) {
  const bool meter = tap.session.has_fault(FaultKind::meter);
  if (!meter && !tap.session.has_fault(FaultKind::valve)) return {};
  if (auto taken = tap.outputs.retake(now.since_boot); !taken) {
    deliver(tap, Faulted{.kind = FaultKind::valve, .what = taken.error()}, now);
    return tl::unexpected{"valve: " + taken.error()};
  }
  deliver(tap, Repaired{FaultKind::valve}, now);
  if (!meter) return {};
  if (auto listens = tap.setup.meter->listen(true); !listens) {
    return tl::unexpected{"meter: " + listens.error()};
  }
  deliver(tap, Repaired{FaultKind::meter}, now);
  return {};
}

std::string Controller::service_barred(model::TapId id, std::chrono::milliseconds longest) const {
  const TapSlot* tap = find(id);
  if (tap == nullptr) return no_such_tap(id);
  if (const auto most = tap->setup.rules.longest_open; longest > most) {
    return fmt::format("longest_open_ms allows {} s, and not {}: ask for less with --seconds",
                       most.count() / 1'000, longest.count() / 1'000);
  }
  return tap->session.service_barred();
}

tl::expected<void, std::string> Controller::begin_service(model::TapId id, const ServiceBegun& what,
                                                          const Moment& now) {
  TapSlot* tap = find(id);
  if (tap == nullptr) return tl::unexpected{no_such_tap(id)};
  if (std::string why = tap->session.service_barred(what.from_menu); !why.empty()) {
    return tl::unexpected{std::move(why)};
  }
  ServiceBegun bounded = what;
  bounded.longest = std::min(what.longest, tap->setup.rules.longest_open);
  JournalFields fields = fields_of(*tap);
  fields.reason = to_text(what.kind);
  if (tap->session.state() == TapState::service_menu) fields.card = tap->card;
  ports_.journal->line(
      Message::service_act, Level::info,
      fmt::format("tap {}: valve open for staff ({}), for at most {} s and {}", id.number(),
                  to_text(what.kind), bounded.longest.count() / 1'000, model::to_text(what.most)),
      std::move(fields));
  deliver(*tap, bounded, now);
  if (!tap->session.valve_open()) return tl::unexpected{tap->session.view().reason};
  return {};
}

bool Controller::end_service(model::TapId id, const Moment& now) {
  TapSlot* tap = find(id);
  if (tap == nullptr || tap->session.state() != TapState::servicing) return false;
  deliver(*tap, ServiceEnded{}, now);
  return true;
}

void Controller::report_service(TapSlot& tap, const ServiceDone& done) {
  tap.service = {.done = done, .number = tap.service.number + 1};
  JournalFields fields = fields_of(tap);
  fields.reason = to_text(done.kind);
  fields.volume = done.volume;
  ports_.journal->line(
      Message::service_act, Level::info,
      fmt::format("tap {}: {} is over: {} ran in {}.{} s and are booked as non-sale ({} pulses)",
                  tap.setup.id.number(), to_text(done.kind), model::to_text(done.volume),
                  done.open_for.count() / 1'000, done.open_for.count() % 1'000 / 100,
                  done.edges / 2),
      std::move(fields));
}

bool Controller::lock(model::TapId id, const std::string& why, const Moment& now) {
  TapSlot* tap = find(id);
  if (tap == nullptr) return false;
  ++tap->times_locked;
  deliver(*tap, Locked{LockReason::service, why}, now);
  return true;
}

std::string Controller::closed_by_staff(model::TapId id) const {
  const TapSlot* tap = find(id);
  return tap == nullptr ? std::string{} : tap->session.closed_by_staff();
}

std::optional<std::uint64_t> Controller::times_locked(model::TapId id) const {
  const TapSlot* tap = find(id);
  if (tap == nullptr) return std::nullopt;
  return tap->times_locked;
}

bool Controller::unlock(model::TapId id, const Moment& now) {
  TapSlot* tap = find(id);
  if (tap == nullptr) return false;
  deliver(*tap, Unlocked{LockReason::service}, now);
  return true;
}

std::optional<Calibration> Controller::configured(model::TapId id) const {
  const TapSlot* tap = find(id);
  if (tap == nullptr) return std::nullopt;
  return tap->setup.configured.value_or(tap->setup.calibration);
}

std::optional<Calibration> Controller::in_force(model::TapId id) const {
  const TapSlot* tap = find(id);
  if (tap == nullptr) return std::nullopt;
  return tap->session.calibration();
}

std::string Controller::recalibration_barred(model::TapId id) const {
  const TapSlot* tap = find(id);
  if (tap == nullptr) return no_such_tap(id);
  return tap->session.may_recalibrate() ? "" : "a pour is under way there";
}

tl::expected<void, std::string> Controller::recalibrate(model::TapId id,
                                                        const Calibration& calibration) {
  if (std::string why = recalibration_barred(id); !why.empty()) {
    return tl::unexpected{std::move(why)};
  }
  TapSlot& tap = *find(id);
  static_cast<void>(tap.session.recalibrate(calibration));
  ports_.journal->write(measured_line(id, calibration, *configured(id)));
  return {};
}

}  // namespace tapd
