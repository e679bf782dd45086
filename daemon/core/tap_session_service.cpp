// The tap session's part for staff: the valve open without a guest, bounded by a time and a volume,
// for a test, cleaning, a change of keg or a calibration. What runs is nobody's debt.
#include <algorithm>
#include <array>

#include "daemon/core/tap_session.hpp"
#include "daemon/core/time_between.hpp"

namespace tapd {

using model::Moment;

namespace {

FlowSign sign_of(ServiceKind kind) {
  switch (kind) {
    case ServiceKind::valve_test:
      return FlowSign::valve_test;
    case ServiceKind::clean:
      return FlowSign::cleaning;
    case ServiceKind::keg_change:
      return FlowSign::keg_change;
    case ServiceKind::calibrate:
      return FlowSign::calibration;
    case ServiceKind::bleed:
      return FlowSign::bleeding;
  }
  return FlowSign::valve_test;
}

}  // namespace

bool bars_staff(LockReason reason) {
  switch (reason) {
    case LockReason::emergency_stop:
    case LockReason::shutdown:
    case LockReason::unsafe_kill:
    case LockReason::storage:  // the audit row could not be written
      return true;
    case LockReason::tap_status:
    case LockReason::no_keg:
    case LockReason::keg_empty:
    case LockReason::service:
    case LockReason::silent:
      return false;
  }
  return true;
}

std::string TapSession::service_barred(bool from_menu) const {
  for (const auto& [reason, why] : locks_) {
    if (bars_staff(reason)) return std::string{to_text(reason)} + ": " + why;
  }
  if (!faults_.empty()) {
    return "it is faulted: " + fault_in_words();
  }
  switch (state_) {
    case TapState::idle:
    case TapState::finished:
    case TapState::denied:
    case TapState::locked:
      return {};
    case TapState::servicing:
      return "staff are at work there already";
    case TapState::service_menu:
      // What the menu has asked for may begin; nobody else's work.
      return from_menu && menu_->waits() ? "" : "a service card has opened its menu there";
    case TapState::starting:
    case TapState::authorizing:
    case TapState::preparing:
    case TapState::ready:
    case TapState::pouring:
    case TapState::settling:
    case TapState::faulted:
      return "it is " + std::string{to_text(state_)};
  }
  return "it is " + std::string{to_text(state_)};
}

void TapSession::on_event(const ServiceBegun& event, const Moment& now) {
  if (!service_barred(event.from_menu).empty()) return;
  service_ = Service{.what = event,
                     .opened_at = now.since_boot,
                     .last_flow = now.since_boot,
                     .pace = {},
                     .volume = {},
                     .told_at = now.since_boot};
  enter(TapState::servicing, now);
  if (menu_) menu_->begun();
  reason_ = std::string{to_text(event.kind)};
  out_.emplace_back(OpenValve{});
  out_.emplace_back(Show{Display::service});
}

void TapSession::on_event(const ServiceEnded&, const Moment& now) {
  if (state_ == TapState::servicing) end_service(now);
}

void TapSession::service_flow(const Flow& flow, const Moment& now) {
  Service& service = *service_;
  if (flow.edges <= 0) return;
  service.pace.add(flow.edges, flow.newest.value_or(now.since_boot));
  service.volume += calibration_.worth(flow.edges, service.pace.pulse_interval());
  service.edges += flow.edges;
  service.last_flow = now.since_boot;
  if (!valve_open()) return;
  if (service.volume.volume() >= service.what.most) return end_service(now);
  tell_service_if_due(now);
}

model::SinceBoot TapSession::service_told_next() const {
  const Service& service = *service_;
  const auto told = service.told.value_or(model::Volume{}).in_millilitres();
  const bool news = service.volume.volume().in_millilitres() > told;
  return news ? service.told_at + rules_.service_told_every : model::SinceBoot::max();
}

/// A power cut in a long cleaning or bleeding must not lose what ran from the keg's books.
void TapSession::tell_service_if_due(const Moment& now) {
  if (now.since_boot < service_told_next()) return;
  report_service(service_->told ? EventStage::updated : EventStage::started, now.since_boot);
  service_->told = service_->volume.volume();
  service_->told_at = now.since_boot;
}

void TapSession::report_service(EventStage stage, model::SinceBoot until) {
  out_.emplace_back(ReportFlow{.sign = sign_of(service_->what.kind),
                               .stage = stage,
                               .volume = service_->volume.volume(),
                               .duration = between(service_->opened_at, until),
                               .valve_open = true});
}

void TapSession::end_service(const Moment& now) {
  out_.emplace_back(ShutValve{});
  service_->shut_at = now.since_boot;
  service_->last_flow = now.since_boot;
  enter(TapState::settling, now);
}

void TapSession::settle_service(const Moment& now) {
  const Service& service = *service_;
  const bool quiet = now.since_boot - service.last_flow >= rules_.tail_quiet;
  if (quiet || now.since_boot - service.shut_at >= rules_.longest_tail) finish_service(now);
}

void TapSession::finish_service(const Moment& now) {
  report_service(service_->told ? EventStage::stopped : EventStage::whole, service_->shut_at);
  const Service done = *service_;
  service_.reset();
  out_.emplace_back(ServiceDone{.kind = done.what.kind,
                                .volume = done.volume.volume(),
                                .edges = done.edges,
                                .open_for = between(done.opened_at, done.shut_at)});
  // The line is full again, and what was there before is forgotten.
  if (done.edges > 0) last_poured_ = now.since_boot;
  if (done.volume.volume() >= some_beer) {
    beer_came();
    on_event(Unlocked{LockReason::silent}, now);
  }
  stray_.interrupt();
  if (done.what.kind == ServiceKind::keg_change) {
    on_event(Unlocked{LockReason::keg_empty}, now);
  }
  rest(now);
}

std::string_view to_text(ServiceKind kind) {
  constexpr std::array<std::string_view, 5> texts{"valve_test", "clean", "keg_change", "calibrate",
                                                  "bleed"};
  return texts.at(static_cast<std::size_t>(kind));
}

}  // namespace tapd
