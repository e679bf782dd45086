// The controller's part about card readers: what they tell, and that they tell nothing.
#include "daemon/controller.hpp"

namespace tapd {

using model::Moment;

namespace {

std::optional<model::CardUid> card_uid(const drivers::Uid& uid) {
  const auto parsed = model::CardUid::from_bytes({uid.bytes.data(), uid.size});
  return parsed ? std::optional{*parsed} : std::nullopt;
}

struct AsEvent {
  Event operator()(const drivers::CardArrived& arrived) const {
    if (const auto uid = card_uid(arrived.uid)) {
      return CardPresent{.uid = *uid, .lay_there = arrived.lay_there};
    }
    return CardUnusable{"the card's UID has an impossible length"};
  }
  Event operator()(const drivers::CardLeft& left) const { return CardGone{left.last_seen}; }
  Event operator()(const drivers::CardRefused& refused) const { return CardUnusable{refused.why}; }
  Event operator()(const drivers::ReaderFailed& failed) const {
    return Faulted{.kind = FaultKind::reader, .what = failed.what};
  }
  Event operator()(const drivers::ReaderBack&) const { return Repaired{FaultKind::reader}; }
};

}  // namespace

void Controller::on_presence(std::size_t tap, const drivers::PresenceEvent& event,
                             const Moment& now) {
  TapSlot& slot = taps_.at(tap);
  const bool pours = slot.session.view().client_tx_id.has_value();
  if (const auto* arrived = std::get_if<drivers::CardArrived>(&event); arrived && !pours) {
    slot.card = card_uid(arrived->uid).value_or(slot.card);
  }
  if (std::holds_alternative<drivers::CardRefused>(event) && !pours) {
    slot.card = {};
    slot.guest.clear();
  }
  if (std::holds_alternative<drivers::ReaderFailed>(event)) slot.reader_failed = true;
  if (std::holds_alternative<drivers::ReaderBack>(event)) slot.reader_failed = false;
  deliver(slot, std::visit(AsEvent{}, event), now);
}

/// A reader thread that hangs on its bus tells nothing, so its silence must be noticed here: a card
/// that nobody looks at holds no valve open, and a tap that sees no card must not look well.
void Controller::watch_reader(TapSlot& tap, const Moment& now) {
  if (!tap.setup.last_look) return;
  const bool stalled = now.since_boot - tap.setup.last_look() >= options_.reader_stall;
  if (stalled == tap.reader_stalled) return;
  tap.reader_stalled = stalled;
  if (stalled) {
    deliver(tap, Faulted{.kind = FaultKind::reader, .what = "it has stopped looking for cards"},
            now);
  } else if (!tap.reader_failed) {  // It looks again, but sees nothing: it has said so.
    deliver(tap, Repaired{FaultKind::reader}, now);
  }
}

}  // namespace tapd
