// The journal's thread: takes lines from every other one at once, holds repetitions back, and
// writes them where the process's messages go: to systemd's journal with native fields when stderr
// is connected to it (JOURNAL_STREAM, systemd.exec(5)), else as text on stderr, coloured on a
// terminal. A reader that is slow holds no tap: beyond a bound the oldest lines are dropped and
// counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "daemon/journal.hpp"
#include "daemon/repeats.hpp"

namespace tapd {

/// Where lines end. Called by one thread; may wait.
class JournalSink {
 public:
  JournalSink() = default;
  virtual ~JournalSink() = default;
  JournalSink(const JournalSink&) = delete;
  JournalSink& operator=(const JournalSink&) = delete;
  JournalSink(JournalSink&&) = delete;
  JournalSink& operator=(JournalSink&&) = delete;
  /// `whole_cards`: CARD is not masked.
  virtual void write(const JournalLine& line, bool whole_cards) = 0;
};

/// The sink for this process, as said above.
[[nodiscard]] std::unique_ptr<JournalSink> sink_of_stderr();

class JournalThread final : public Journal {
 public:
  /// Lines that may wait for a slow reader.
  static constexpr std::size_t most_waiting = 8'192;

  JournalThread(Level least, std::unique_ptr<JournalSink> sink);
  /// Writes what still waits.
  ~JournalThread() override;
  JournalThread(const JournalThread&) = delete;
  JournalThread& operator=(const JournalThread&) = delete;
  JournalThread(JournalThread&&) = delete;
  JournalThread& operator=(JournalThread&&) = delete;

  void write(const JournalLine& line) noexcept override;
  /// Lines below it are not written from now on, and cards are whole at debug only. Any thread.
  void set_least(Level least) { least_ = least; }

 private:
  void work(const std::stop_token& stop);
  void write_all(std::deque<JournalLine> lines, std::uint64_t dropped);
  void sink(const JournalLine& line) { sink_->write(line, least_.load() == Level::debug); }

  std::atomic<Level> least_;
  std::unique_ptr<JournalSink> sink_;
  Repeats repeats_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<JournalLine> waiting_;
  std::uint64_t dropped_{0};
  std::jthread thread_;  // last: everything it uses outlives it
};

/// The configuration's word: "debug", "info", "warning" or "error".
[[nodiscard]] Level level_from(const std::string& word);

}  // namespace tapd
