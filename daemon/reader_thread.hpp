// A thread per card reader, because a reader blocks on SPI: it looks at the field at a steady pace,
// lets CardPresence decide what the looks mean, and reports changes. What the reader itself has
// been through goes to the journal and is kept for the status.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "drivers/card_presence.hpp"
#include "drivers/card_reader.hpp"
#include "drivers/clock.hpp"

namespace tapd {

class ReaderThread {
 public:
  /// Called from the reader's thread; both must return at once.
  struct Reports {
    std::function<void(drivers::PresenceEvent)> presence;
    std::function<void(const drivers::ReaderNote&)> note;
  };

  ReaderThread(std::unique_ptr<drivers::CardReader> reader, drivers::PresenceRules rules,
               std::chrono::milliseconds pace, const drivers::Clock& clock, Reports reports);

  ~ReaderThread() = default;  // the thread is asked to stop and joined
  ReaderThread(const ReaderThread&) = delete;
  ReaderThread& operator=(const ReaderThread&) = delete;
  ReaderThread(ReaderThread&&) = delete;
  ReaderThread& operator=(ReaderThread&&) = delete;

  /// Since boot, when the last look ended: how others notice that this thread hangs. Any thread.
  [[nodiscard]] std::chrono::nanoseconds last_look() const {
    return std::chrono::nanoseconds{last_look_.load()};
  }

  /// Waits until the first look is over, at most so long; whether it is. A card that is laid on
  /// before it cannot be told from one that lay there. Any thread.
  [[nodiscard]] bool wait_for_first_look(std::chrono::milliseconds patience) const;

  /// How the reader was after its last look. Any thread.
  [[nodiscard]] drivers::ReaderHealth health() const;

 private:
  void look_for_ever(const std::stop_token& stop);
  void tell_health();

  std::unique_ptr<drivers::CardReader> reader_;
  drivers::CardPresence presence_;
  std::chrono::milliseconds pace_;
  const drivers::Clock& clock_;
  Reports reports_;
  mutable std::mutex health_guard_;
  drivers::ReaderHealth health_;
  bool has_looked_{false};
  mutable std::condition_variable first_look_;
  std::atomic<std::int64_t> last_look_;
  std::jthread thread_;
};

}  // namespace tapd
