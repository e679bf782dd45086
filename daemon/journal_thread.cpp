#include "daemon/journal_thread.hpp"

#include <utility>

#include <fmt/format.h>

#include "drivers/clock.hpp"

namespace tapd {

Level level_from(const std::string& word) {
  if (word == "debug") return Level::debug;
  if (word == "warning" || word == "warn") return Level::warning;
  return word == "error" ? Level::error : Level::info;
}

JournalThread::JournalThread(Level least, std::unique_ptr<JournalSink> sink)
    : least_{least},
      sink_{std::move(sink)},
      thread_{[this](const std::stop_token& stop) { work(stop); }} {}

JournalThread::~JournalThread() {
  thread_.request_stop();
  thread_.join();
}

void JournalThread::write(const JournalLine& line) noexcept {
  if (line.level < least_.load()) return;
  try {
    const std::scoped_lock lock{mutex_};
    if (waiting_.size() >= most_waiting) {
      waiting_.pop_front();
      ++dropped_;
    }
    waiting_.push_back(line);
  } catch (...) {  // out of memory: a line less, and the taps go on
    return;
  }
  changed_.notify_one();
}

void JournalThread::work(const std::stop_token& stop) {
  for (;;) {
    std::deque<JournalLine> lines;
    std::uint64_t dropped = 0;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, stop, [this] { return !waiting_.empty(); });
      lines = std::exchange(waiting_, {});
      dropped = std::exchange(dropped_, 0);
    }
    if (lines.empty()) return;  // asked to stop, and nothing waits
    write_all(std::move(lines), dropped);
  }
}

void JournalThread::write_all(std::deque<JournalLine> lines, std::uint64_t dropped) {
  if (dropped > 0) {
    sink({.message = Message::lines_lost,
          .level = Level::warning,
          .text = fmt::format("journal: {} lines were lost: it is read too slowly", dropped),
          .fields = {}});
  }
  for (JournalLine& line : lines) {
    if (const auto passed = repeats_.pass(std::move(line), drivers::since_boot_now())) {
      sink(*passed);
    }
  }
}

}  // namespace tapd
