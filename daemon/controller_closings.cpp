// The controller's part about what a tap has closed by itself: the ledger keeps it, so that neither
// a start nor a reload opens what nobody has looked after.
#include <utility>

#include "daemon/controller.hpp"

namespace tapd {

using model::Moment;

void Controller::close_as_before(TapSlot& tap, const Moment& now) {
  const OwnClosings closed = parse_own_closings(tap.setup.closed_by_itself);
  tap.kept_closings = to_text(closed);
  // Another keg than the one that ran empty lifts its lock, also when it came meanwhile.
  tap.keg = closed.keg;
  // Not delivered one by one: the ledger would be told of each as if it were all.
  for (const auto& [reason, why] : closed.locks) {
    carry_out(tap, tap.session.on(Locked{reason, why}, now), now);
  }
  for (const auto& [kind, what] : closed.faults) {
    carry_out(tap, tap.session.on(Faulted{kind, what}, now), now);
  }
}

/// After every event; the ledger hears of it only when something has changed.
void Controller::keep_closings(TapSlot& tap) {
  OwnClosings own = tap.session.own_closings();
  if (own.locks.contains(LockReason::keg_empty)) own.keg = tap.keg;
  std::string text = to_text(own);
  if (text == tap.kept_closings) return;
  tap.kept_closings = std::move(text);
  tap.keep_closings_at.reset();
  ports_.storage(KeepClosings{.tap = tap.setup.id, .closings = tap.kept_closings});
}

void Controller::keep_closings_again(TapSlot& tap, const Moment& now) {
  if (!tap.keep_closings_at || now.since_boot < *tap.keep_closings_at) return;
  tap.keep_closings_at.reset();
  ports_.storage(KeepClosings{.tap = tap.setup.id, .closings = tap.kept_closings});
}

/// That the disk fails is told where it is met; a tap that is open again must not be closed by an
/// older word at the next start.
void Controller::on_closings_kept(const ClosingsKept& kept, const Moment& now) {
  TapSlot* tap = find(kept.tap);
  if (tap == nullptr || kept.result || kept.closings != tap->kept_closings) return;
  tap->keep_closings_at = now.since_boot + options_.end_retry;
}

}  // namespace tapd
