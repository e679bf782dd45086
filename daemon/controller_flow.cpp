// The controller's part about flow that is no sale: it is told to the ledger, and a meter
// that storms is put to rest.
#include <utility>

#include <fmt/format.h>

#include "daemon/controller.hpp"

namespace tapd {

using model::Moment;

/// An event keeps its name from its start to its end.
std::string Controller::event_id(TapSlot& tap, EventStage stage, const Moment& now) const {
  if (stage == EventStage::updated || stage == EventStage::stopped) return tap.running_event;
  ++tap.flow_events;
  // With the time, because a start in the same boot counts from one again.
  const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(now.since_boot).count();
  std::string id =
      fmt::format("{}-{}-{}-{}", options_.boot.text(), tap.setup.id.number(), at, tap.flow_events);
  if (stage == EventStage::started) tap.running_event = id;
  return id;
}

void Controller::report_flow(TapSlot& tap, const ReportFlow& flow, const Moment& now) {
  const std::string id = event_id(tap, flow.stage, now);
  // Volumes count from the event's start: a later word says all that an earlier one did.
  std::erase_if(unwritten_events_, [&](const auto& event) { return event.event_id == id; });
  ports_.storage(WriteFlowEvent{{.event_id = id,
                                 .event_status = std::string{to_text(flow.stage)},
                                 .tap_id = tap.setup.id,
                                 .volume = flow.volume,
                                 .duration = flow.duration,
                                 .card_present = tap.session.view().card.has_value(),
                                 .valve_open = flow.valve_open,
                                 .session_state = std::string{to_text(tap.session.state())},
                                 .reason = std::string{to_text(flow.sign)},
                                 .at = now}});
}

/// A disk that is full for a while must not leave an incident open at the venue for ever.
void Controller::on_flow_event(const FlowEventDone& done, const Moment& now) {
  if (done.result) {
    std::erase_if(unwritten_events_,
                  [&](const auto& event) { return event.event_id == done.event.event_id; });
    return;
  }
  if (done.result.error().kind == storage::Error::Kind::refused) {
    return ports_.journal->line(Message::ledger_trouble, Level::error,
                                "ledger: " + done.result.error().message);
  }
  constexpr std::size_t most_unwritten = 256;
  if (unwritten_events_.size() >= most_unwritten)
    unwritten_events_.erase(unwritten_events_.begin());
  unwritten_events_.push_back(done.event);
  retry_events_at_ = now.since_boot + options_.end_retry;
}

void Controller::write_events_again(const Moment& now) {
  if (!retry_events_at_ || now.since_boot < *retry_events_at_) return;
  retry_events_at_.reset();
  for (const model::FlowEvent& event : std::exchange(unwritten_events_, {})) {
    ports_.storage(WriteFlowEvent{event});
  }
}

void Controller::listen_to_meter(TapSlot& tap, bool on, const Moment& now) {
  const auto done = tap.setup.meter->listen(on);
  if (!done) deliver(tap, Faulted{.kind = FaultKind::meter, .what = done.error()}, now);
}

/// A keg that the venue has changed is not the empty one.
void Controller::notice_new_keg(TapSlot& tap, const std::optional<model::KegId>& keg,
                                const Moment& now) {
  if (!keg || tap.keg == keg) return;
  const bool first = !tap.keg;
  tap.keg = keg;
  if (!first) deliver(tap, Unlocked{LockReason::keg_empty}, now);
}

}  // namespace tapd
