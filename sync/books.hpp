// What sync needs of the ledger. In the daemon each call is carried to the storage thread and
// waited for on the sync thread, which holds no valve; in tests it is the ledger itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/ledger.hpp"

namespace tapd::sync {

/// Signatures and meanings are the ledger's (storage/ledger.hpp).
class Books {
 public:
  Books() = default;
  virtual ~Books() = default;
  Books(const Books&) = delete;
  Books& operator=(const Books&) = delete;
  Books(Books&&) = delete;
  Books& operator=(Books&&) = delete;

  virtual storage::Result<std::vector<model::Pour>> due_pours(std::size_t most,
                                                              const model::Moment& now,
                                                              storage::DueRows which) = 0;
  virtual storage::Result<storage::CardStanding> card_standing(const model::CardUid& card,
                                                               model::TapId tap,
                                                               model::SinceBoot since) = 0;
  /// Books that have nothing to tell of it leave its locks at the server.
  virtual storage::Result<storage::LeftBehind> left_behind(std::size_t /*most*/) {
    return storage::LeftBehind{};
  }
  /// Books that do not keep them forget at a restart what was authorized in an outage.
  virtual storage::Result<> note_locks(const storage::LeftBehind::Locks& /*locks*/) { return {}; }
  virtual storage::Result<> mark_sent(const std::vector<model::ClientTxId>& rows,
                                      const model::Moment& now) = 0;
  virtual storage::Result<> apply_verdicts(const std::vector<storage::Verdict>& verdicts,
                                           std::int32_t attempt_cap, const model::Moment& now,
                                           const model::Moment& retry_at) = 0;
  virtual storage::Result<storage::Marker> ask_marker() = 0;
  virtual storage::Result<> apply_snapshot(const model::Snapshot& snapshot, storage::Marker asked,
                                           const model::Moment& heard_at) = 0;
  virtual storage::Result<> apply_changes(const model::SnapshotChanges& changes,
                                          storage::Marker asked, const model::Moment& heard_at) = 0;
  virtual storage::Result<> hear_balance(const storage::HeardBalance& heard) = 0;
  virtual storage::Result<> hear_card_status(const model::CardUid& card, model::CardStatus status,
                                             const model::Moment& at) = 0;
  virtual storage::Result<std::vector<storage::WaitingFlowEvent>> due_flow_events(
      std::size_t most, const model::Moment& now) = 0;
  virtual storage::Result<> settle_flow_event(const storage::FlowVerdict& verdict,
                                              std::int32_t attempt_cap, const model::Moment& now,
                                              const model::Moment& retry_at) = 0;
  /// Books that do not keep it lose only freshness: the engine fetches the whole snapshot again
  /// every ten minutes.
  virtual storage::Result<> snapshot_unchanged(storage::Marker /*asked*/,
                                               const model::Moment& /*heard_at*/) {
    return {};
  }
  /// The emergency stop of a server without snapshots, on change. Books that do not keep it know of
  /// it from the engine's notice only, until the next start.
  virtual storage::Result<> hear_system_state(const model::SystemState& /*state*/,
                                              const model::Moment& /*at*/) {
    return {};
  }
};

}  // namespace tapd::sync
