#include "daemon/ledger_books.hpp"

#include <optional>
#include <utility>

namespace tapd {

LedgerBooks::LedgerBooks(OnLedger on_ledger, model::BootId boot)
    : on_ledger_{std::move(on_ledger)}, boot_{std::move(boot)} {}

template<typename Work>
auto LedgerBooks::run(Work work) -> std::invoke_result_t<Work, storage::Ledger&> {
  std::optional<std::invoke_result_t<Work, storage::Ledger&>> result;
  on_ledger_([&](storage::Ledger& ledger) { result.emplace(work(ledger)); });
  return *std::move(result);
}

storage::Result<std::vector<model::Pour>> LedgerBooks::due_pours(std::size_t most,
                                                                 const model::Moment& now,
                                                                 storage::DueRows which) {
  return run([&](storage::Ledger& ledger) { return ledger.due_pours(most, now, which); });
}
storage::Result<storage::CardStanding> LedgerBooks::card_standing(const model::CardUid& card,
                                                                  model::TapId tap,
                                                                  model::SinceBoot since) {
  return run(
      [&](storage::Ledger& ledger) { return ledger.card_standing(card, tap, since, boot_); });
}
storage::Result<storage::LeftBehind> LedgerBooks::left_behind(std::size_t most) {
  // Not by `run`: gcc 12 sees a vector freed there that is none (-Wfree-nonheap-object).
  storage::Result<storage::LeftBehind> left;
  on_ledger_([&](storage::Ledger& ledger) { left = ledger.left_behind(most); });
  return left;
}
storage::Result<> LedgerBooks::note_locks(const storage::LeftBehind::Locks& locks) {
  return run([&](storage::Ledger& ledger) { return ledger.note_locks(locks); });
}
storage::Result<std::vector<storage::WaitingFlowEvent>> LedgerBooks::due_flow_events(
    std::size_t most, const model::Moment& now) {
  return run([&](storage::Ledger& ledger) { return ledger.due_flow_events(most, now); });
}
storage::Result<> LedgerBooks::settle_flow_event(const storage::FlowVerdict& verdict,
                                                 std::int32_t attempt_cap, const model::Moment& now,
                                                 const model::Moment& retry_at) {
  return run([&](storage::Ledger& ledger) {
    return ledger.settle_flow_event(verdict, attempt_cap, now, retry_at);
  });
}
storage::Result<> LedgerBooks::mark_sent(const std::vector<model::ClientTxId>& rows,
                                         const model::Moment& now) {
  return run([&](storage::Ledger& ledger) { return ledger.mark_sent(rows, now); });
}
storage::Result<> LedgerBooks::apply_verdicts(const std::vector<storage::Verdict>& verdicts,
                                              std::int32_t attempt_cap, const model::Moment& now,
                                              const model::Moment& retry_at) {
  return run([&](storage::Ledger& ledger) {
    return ledger.apply_verdicts(verdicts, attempt_cap, now, retry_at);
  });
}
storage::Result<storage::Marker> LedgerBooks::ask_marker() {
  return run([](storage::Ledger& ledger) { return ledger.ask_marker(); });
}
storage::Result<> LedgerBooks::apply_snapshot(const model::Snapshot& snapshot,
                                              storage::Marker asked,
                                              const model::Moment& heard_at) {
  return run([&](storage::Ledger& ledger) {
    return ledger.apply_snapshot(snapshot, asked, heard_at, boot_);
  });
}
storage::Result<> LedgerBooks::apply_changes(const model::SnapshotChanges& changes,
                                             storage::Marker asked, const model::Moment& heard_at) {
  return run([&](storage::Ledger& ledger) {
    return ledger.apply_changes(changes, asked, heard_at, boot_);
  });
}
storage::Result<> LedgerBooks::snapshot_unchanged(storage::Marker asked,
                                                  const model::Moment& heard_at) {
  return run(
      [&](storage::Ledger& ledger) { return ledger.snapshot_unchanged(asked, heard_at, boot_); });
}
storage::Result<> LedgerBooks::hear_system_state(const model::SystemState& state,
                                                 const model::Moment& at) {
  return run([&](storage::Ledger& ledger) { return ledger.hear_system_state(state, at); });
}
storage::Result<> LedgerBooks::hear_balance(const storage::HeardBalance& heard) {
  return run([&](storage::Ledger& ledger) { return ledger.hear_balance(heard, boot_); });
}
storage::Result<> LedgerBooks::hear_card_status(const model::CardUid& card,
                                                model::CardStatus status, const model::Moment& at) {
  return run([&](storage::Ledger& ledger) { return ledger.hear_card_status(card, status, at); });
}

}  // namespace tapd
