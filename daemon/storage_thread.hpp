// The storage thread: the only one that touches the ledger after start-up. Requests that wait
// together share one commit (group commit), so a slow card is waited for once, not once per tap.
// Its answers go to a function handed in, which must return at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "daemon/storage_requests.hpp"

namespace tapd {

class StorageThread {
 public:
  /// Work for another thread that waits for it (sync, the API): runs outside the group commit.
  using Errand = std::function<void(storage::Ledger&)>;

  /// `ledger` must outlive the thread and is touched by nobody else until it has ended. `committed`
  /// is told how long each commit took, and whether the disk took it (empty: it was not asked).
  StorageThread(
      storage::Ledger& ledger, model::BootId boot, std::function<void(StorageAnswer)> answer,
      std::function<void(std::chrono::nanoseconds, std::optional<bool>)> committed = nullptr);
  /// Carries out what still waits, then ends.
  ~StorageThread();
  StorageThread(const StorageThread&) = delete;
  StorageThread& operator=(const StorageThread&) = delete;
  StorageThread(StorageThread&&) = delete;
  StorageThread& operator=(StorageThread&&) = delete;

  /// Returns at once. Any thread.
  void post(StorageRequest request);
  /// Runs `work` on the storage thread and waits for its result. Never from the control thread.
  template<typename Work>
  auto run(Work work) -> std::invoke_result_t<Work, storage::Ledger&> {
    using Outcome = std::invoke_result_t<Work, storage::Ledger&>;
    auto task = std::make_shared<std::packaged_task<Outcome(storage::Ledger&)>>(std::move(work));
    auto result = task->get_future();
    post_errand([task](storage::Ledger& ledger) { (*task)(ledger); });
    return result.get();
  }

 private:
  using Job = std::variant<StorageRequest, Errand>;

  void post_errand(Errand errand);
  void put(Job job);
  void work(const std::stop_token& stop);
  void carry_out_together(const std::vector<StorageRequest>& requests);

  storage::Ledger& ledger_;
  model::BootId boot_;
  std::function<void(StorageAnswer)> answer_;
  std::function<void(std::chrono::nanoseconds, std::optional<bool>)> committed_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Job> jobs_;
  std::jthread thread_;  // last: everything it uses is made before it and outlives it
};

}  // namespace tapd
