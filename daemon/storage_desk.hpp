// Where the API's requests wait for the ledger: two at a time. On a disk that stands still the
// others are told so, and the API's threads are there for what needs no disk: a valve to be shut,
// a tap to be closed. Any thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include "daemon/storage_thread.hpp"

#include <tl/expected.hpp>

namespace tapd {

class StorageDesk {
 public:
  explicit StorageDesk(StorageThread& storage) : storage_{storage} {}

  /// As StorageThread::run; an error when two wait already and none of them is done in a moment.
  template<typename Work>
  auto run(Work work) -> std::invoke_result_t<Work, storage::Ledger&> {
    if (!take_seat()) return tl::unexpected(no_seat());
    const Seat seat{*this};
    return storage_.run(std::move(work));
  }

 private:
  class Seat {
   public:
    explicit Seat(StorageDesk& desk) : desk_{desk} {}
    ~Seat() { desk_.leave_seat(); }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    Seat(Seat&&) = delete;
    Seat& operator=(Seat&&) = delete;

   private:
    StorageDesk& desk_;
  };

  [[nodiscard]] bool take_seat();
  void leave_seat();
  [[nodiscard]] static storage::Error no_seat();

  StorageThread& storage_;
  std::mutex mutex_;
  std::condition_variable free_;
  int taken_{0};
};

}  // namespace tapd
