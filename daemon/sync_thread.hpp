// The sync thread: starts the requests that the engine names, hands it the outcomes, and reports
// its notices. It holds no valve and may wait: for the network in libcurl, for the disk at the
// storage thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "daemon/storage_thread.hpp"
#include "drivers/clock.hpp"
#include "sync/books.hpp"
#include "sync/engine.hpp"
#include "sync/transport.hpp"

namespace tapd {

/// The ledger as sync sees it: every call is an errand to the storage thread.
class LedgerBooks final : public sync::Books {
 public:
  LedgerBooks(StorageThread& storage, model::BootId boot);
  storage::Result<std::vector<model::Pour>> due_pours(std::size_t most, const model::Moment& now,
                                                      storage::DueRows which) override;
  storage::Result<storage::CardStanding> card_standing(const model::CardUid& card, model::TapId tap,
                                                       model::SinceBoot since) override;
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
  storage::Result<> snapshot_unchanged(storage::Marker asked,
                                       const model::Moment& heard_at) override;
  storage::Result<> hear_system_state(const model::SystemState& state,
                                      const model::Moment& at) override;
  storage::Result<> hear_balance(const storage::HeardBalance& heard) override;
  storage::Result<> hear_card_status(const model::CardUid& card, model::CardStatus status,
                                     const model::Moment& at) override;

 private:
  StorageThread& storage_;
  model::BootId boot_;
};

class SyncThread {
 public:
  /// `notice` is called from the sync thread and must return at once.
  SyncThread(sync::EngineOptions options, StorageThread& storage, const model::BootId& boot,
             std::unique_ptr<sync::Transport> transport, const drivers::Clock& clock,
             std::function<void(sync::Notice)> notice);
  /// Cancels what is under way and ends.
  ~SyncThread();
  SyncThread(const SyncThread&) = delete;
  SyncThread& operator=(const SyncThread&) = delete;
  SyncThread(SyncThread&&) = delete;
  SyncThread& operator=(SyncThread&&) = delete;

  /// Any thread; returns at once. The answer is a notice.
  void ask(sync::AuthorizeAsk ask);
  /// Any thread; returns at once.
  void pours_waiting();

 private:
  void work(const std::stop_token& stop);
  void hand_over_wishes(const model::Moment& now);

  LedgerBooks books_;
  std::unique_ptr<sync::Transport> transport_;
  const drivers::Clock& clock_;
  std::function<void(sync::Notice)> notice_;
  sync::Engine engine_;
  std::mutex mutex_;
  std::deque<sync::AuthorizeAsk> asks_;
  bool pours_waiting_{false};
  std::jthread thread_;
};

/// The three clocks' reading as the model wants it.
[[nodiscard]] model::Moment moment(const drivers::Clock& clock);

}  // namespace tapd
