#include "daemon/storage_thread.hpp"

#include <utility>

#include "drivers/clock.hpp"

namespace tapd {

StorageThread::StorageThread(
    storage::Ledger& ledger, model::BootId boot, std::function<void(StorageAnswer)> answer,
    std::function<void(std::chrono::nanoseconds, std::optional<bool>)> committed)
    : ledger_{ledger},
      boot_{std::move(boot)},
      answer_{std::move(answer)},
      committed_{std::move(committed)},
      thread_{[this](const std::stop_token& stop) { work(stop); }} {}

StorageThread::~StorageThread() = default;  // the jthread asks to stop and joins

void StorageThread::post(StorageRequest request) {
  put(std::move(request));
}
void StorageThread::post_errand(Errand errand) {
  put(std::move(errand));
}

void StorageThread::put(Job job) {
  {
    const std::scoped_lock lock{mutex_};
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void StorageThread::work(const std::stop_token& stop) {
  for (;;) {
    std::deque<Job> jobs;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, stop, [this] { return !jobs_.empty(); });
      if (jobs_.empty()) return;  // asked to stop, and nothing waits
      jobs = std::exchange(jobs_, {});
    }
    std::vector<StorageRequest> together;
    for (Job& job : jobs) {
      if (auto* request = std::get_if<StorageRequest>(&job)) {
        together.push_back(std::move(*request));
        continue;
      }
      carry_out_together(std::exchange(together, {}));
      std::get<Errand>(job)(ledger_);
    }
    carry_out_together(together);
  }
}

void StorageThread::carry_out_together(const std::vector<StorageRequest>& requests) {
  if (requests.empty()) return;
  const auto begun = drivers::since_boot_now();
  std::vector<StorageAnswer> answers = tapd::carry_out_together(ledger_, boot_, requests);
  std::optional<bool> good;
  for (const StorageAnswer& answer : answers) {
    if (const auto written = was_written(answer)) good = good.value_or(true) && *written;
  }
  if (committed_) committed_(drivers::since_boot_now() - begun, good);
  for (StorageAnswer& answer : answers) {
    answer_(std::move(answer));
  }
}

}  // namespace tapd
