// The book keeper: a thread that does the chores of book_keeping.hpp when they are due, in parts
// small enough that a pour waits some milliseconds at most, through the storage thread. What
// touches only the finished copy (its check, its sync) it does by itself. Writes to the journal
// when something is wrong, and when staff asked.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "daemon/backup_pace.hpp"
#include "daemon/book_keeping.hpp"
#include "daemon/journal.hpp"
#include "daemon/storage_thread.hpp"

namespace tapd {

/// How the backup that was last asked for stands.
struct BackupAsked {
  enum class Stage : std::uint8_t { none, under_way, done, failed };
  Stage stage{Stage::none};
  std::string file;
  std::string why;  ///< It failed.
};

class BookKeepingThread {
 public:
  BookKeepingThread(BookKeepingRules rules, StorageThread& storage,
                    std::function<model::Moment()> now, Journal& journal);
  /// Gives up what is under way, and ends.
  ~BookKeepingThread() = default;
  BookKeepingThread(const BookKeepingThread&) = delete;
  BookKeepingThread& operator=(const BookKeepingThread&) = delete;
  BookKeepingThread(BookKeepingThread&&) = delete;
  BookKeepingThread& operator=(BookKeepingThread&&) = delete;

  /// Asks for a backup now, into `file` or (empty) the usual place. Any thread; returns at once.
  /// False when one is under way, or when `file` exists.
  [[nodiscard]] bool ask_backup(const std::filesystem::path& file);
  [[nodiscard]] BackupAsked backup_asked() const;

 private:
  void work(const std::stop_token& stop);
  void look(const std::stop_token& stop);
  [[nodiscard]] storage::Result<> carry_out(Chore chore, const std::stop_token& stop);
  [[nodiscard]] storage::Result<> back_up(const std::filesystem::path& file,
                                          const std::stop_token& stop);
  [[nodiscard]] storage::Result<> check(const std::stop_token& stop);
  [[nodiscard]] storage::Result<> forget(const std::stop_token& stop);
  [[nodiscard]] storage::Result<bool> go_on_copying(const std::filesystem::path& copy,
                                                    BackupPace& pace, const std::stop_token& stop);
  void breathe(const std::stop_token& stop, std::chrono::milliseconds time);
  void serve_asked(const std::stop_token& stop);

  BookKeepingRules rules_;
  StorageThread& storage_;
  std::function<model::Moment()> now_;
  Journal& journal_;
  BookKeepingState state_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  BackupAsked asked_;
  std::jthread thread_;  // last: everything it uses is made before it and outlives it
};

}  // namespace tapd
