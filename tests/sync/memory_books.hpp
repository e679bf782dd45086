// The contract of sync/books.hpp in memory, in the plainest words, for thousands of schedules.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "tests/sync/test_books.hpp"

namespace tapd::sync::test {

class MemoryBooks final : public TestBooks {
 public:
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

  /// While set, every call fails with it.
  std::optional<storage::Error> broken;
  /// While set, snapshots and changes cannot be kept: they need more room than the rest.
  std::optional<storage::Error> snapshot_broken;

  /// Pours that are open.
  struct Session {
    model::CardUid card;
    model::TapId tap;
    model::SinceBoot began{};
  };
  std::vector<Session> sessions;

  struct Flow {
    model::FlowEvent event;
    model::PourStatus status{model::PourStatus::fresh};
    std::int32_t attempts{0};
    model::SinceBoot not_before{};
  };
  std::vector<Flow> flow_events;

  // What was told, for tests to look at.
  std::vector<model::Snapshot> snapshots;  ///< Changes are told as the whole that they make.
  int changes{0};
  std::vector<storage::HeardBalance> heard;
  std::set<model::CardUid> lost;
  std::vector<model::SystemState> states;
  int unchanged{0};
  bool left_behind_fails{false};
  int standings{0};   ///< How often a card's standing was read.
  int lock_notes{0};  ///< How often locks were noted for the next run.

 private:
  struct Row {
    model::Pour pour;
    std::optional<storage::Marker> settled;
    model::SinceBoot not_before{};
  };
  struct Balance {
    model::Money amount;
    storage::Marker asked{0};
  };

  [[nodiscard]] Row* find(const model::ClientTxId& row);
  void apply(Row& row, const storage::Verdict& verdict, std::int32_t attempt_cap,
             const model::Moment& retry_at);

  std::vector<Row> rows_;
  storage::LeftBehind::Locks noted_;
  std::map<model::GuestId, Balance> balances_;
  storage::Marker marker_{0};
};

}  // namespace tapd::sync::test
