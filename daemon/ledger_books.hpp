// The ledger as sync sees it: each call is carried to where the ledger may be touched (in the
// daemon, an errand to the storage thread) and waited for. It adds nothing but the boot that runs.
#pragma once

#include <functional>
#include <type_traits>

#include "sync/books.hpp"

namespace tapd {

class LedgerBooks final : public sync::Books {
 public:
  /// Runs the work where the ledger may be touched, and returns when it is done.
  using OnLedger = std::function<void(const std::function<void(storage::Ledger&)>&)>;

  LedgerBooks(OnLedger on_ledger, model::BootId boot);
  storage::Result<std::vector<model::Pour>> due_pours(std::size_t most, const model::Moment& now,
                                                      storage::DueRows which) override;
  storage::Result<storage::CardStanding> card_standing(const model::CardUid& card, model::TapId tap,
                                                       model::SinceBoot since) override;
  storage::Result<storage::LeftBehind> left_behind(std::size_t most) override;
  storage::Result<> note_locks(const storage::LeftBehind::Locks& locks) override;
  storage::Result<std::vector<storage::WaitingFlowEvent>> due_flow_events(
      std::size_t most, const model::Moment& now) override;
  storage::Result<> settle_flow_event(const storage::FlowVerdict& verdict, std::int32_t attempt_cap,
                                      const model::Moment& now,
                                      const model::Moment& retry_at) override;
  storage::Result<> mark_sent(const std::vector<model::ClientTxId>& rows,
                              const model::Moment& now) override;
  storage::Result<> apply_verdicts(const std::vector<storage::Verdict>& verdicts,
                                   std::int32_t attempt_cap, const model::Moment& now,
                                   const model::Moment& retry_at) override;
  storage::Result<storage::Marker> ask_marker() override;
  storage::Result<> apply_snapshot(const model::Snapshot& snapshot, storage::Marker asked,
                                   const model::Moment& heard_at) override;
  storage::Result<> apply_changes(const model::SnapshotChanges& changes, storage::Marker asked,
                                  const model::Moment& heard_at) override;
  storage::Result<> snapshot_unchanged(storage::Marker asked,
                                       const model::Moment& heard_at) override;
  storage::Result<> hear_system_state(const model::SystemState& state,
                                      const model::Moment& at) override;
  storage::Result<> hear_balance(const storage::HeardBalance& heard) override;
  storage::Result<> hear_card_status(const model::CardUid& card, model::CardStatus status,
                                     const model::Moment& at) override;

 private:
  template<typename Work>
  auto run(Work work) -> std::invoke_result_t<Work, storage::Ledger&>;

  OnLedger on_ledger_;
  model::BootId boot_;
};

}  // namespace tapd
