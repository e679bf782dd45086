// The sync thread: starts the requests that the engine names, hands it the outcomes, and reports
// its notices. It holds no valve and may wait: for the network in libcurl, for the disk at the
// storage thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "daemon/ledger_books.hpp"
#include "daemon/storage_thread.hpp"
#include "drivers/clock.hpp"
#include "sync/engine.hpp"
#include "sync/transport.hpp"

namespace tapd {

class SyncThread {
 public:
  /// Called from the sync thread; each must return at once.
  struct Reports {
    std::function<void(sync::Notice)> notice;
    /// A request to this endpoint (its word) has ended after so long.
    std::function<void(const char* endpoint, bool answered, std::chrono::nanoseconds took)>
        requested;
  };
  SyncThread(sync::EngineOptions options, StorageThread& storage, const model::BootId& boot,
             std::unique_ptr<sync::Transport> transport, const drivers::Clock& clock,
             Reports reports);
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
  /// See sync::Engine::given_up. Any thread; returns at once.
  void given_up(const model::CardUid& card, model::TapId tap);

 private:
  void work(const std::stop_token& stop);
  void hand_over_wishes(const model::Moment& now);
  void start(const sync::Outgoing& outgoing);
  void end(const sync::Completion& completion);

  LedgerBooks books_;
  std::unique_ptr<sync::Transport> transport_;
  const drivers::Clock& clock_;
  Reports reports_;
  struct Started {
    const char* endpoint;
    model::SinceBoot at;
  };
  std::map<sync::RequestId, Started> under_way_;
  sync::Engine engine_;
  std::mutex mutex_;
  std::deque<sync::AuthorizeAsk> asks_;
  bool pours_waiting_{false};
  std::vector<storage::LeftBehind::Lock> given_up_;
  std::jthread thread_;
};

/// The three clocks' reading as the model wants it.
[[nodiscard]] model::Moment moment(const drivers::Clock& clock);

}  // namespace tapd
