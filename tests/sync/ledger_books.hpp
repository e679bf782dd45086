// The real ledger on SQLite behind sync's books, as the daemon joins them.
#pragma once

#include <optional>

#include "storage/ledger.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/sync/test_books.hpp"

namespace tapd::sync::test {

class LedgerBooks final : public TestBooks {
 public:
  LedgerBooks();
  /// Closes the file and opens it again, as a restart of the daemon does.
  void reopen();
  [[nodiscard]] storage::Ledger& ledger() { return *ledger_; }

  void begin(const model::Pour& pour) override;
  void end(const model::Pour& pour) override;
  [[nodiscard]] std::map<model::ClientTxId, RowState> rows() override;
  [[nodiscard]] std::optional<model::Money> available(std::uint64_t guest) override;

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
  storage::Result<> hear_balance(const storage::HeardBalance& heard) override;
  storage::Result<> hear_card_status(const model::CardUid& card, model::CardStatus status,
                                     const model::Moment& at) override;
  storage::Result<> snapshot_unchanged(storage::Marker asked,
                                       const model::Moment& heard_at) override;
  storage::Result<> hear_system_state(const model::SystemState& state,
                                      const model::Moment& at) override;

 private:
  tapd::test::TempDir folder_;
  std::optional<storage::Ledger> ledger_;
};

}  // namespace tapd::sync::test
