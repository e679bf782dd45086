// A mailbox between threads: many put, one takes, and an eventfd wakes the taker's poll. Bounded: a
// sender that finds it full is told so and decides what its message is worth.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <system_error>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace tapd {

template<typename Message>
class Inbox {
 public:
  /// Far more than the program can have under way; full means that the taker hangs.
  static constexpr std::size_t capacity = 10'000;

  Inbox() : descriptor_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    if (descriptor_ < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
  }
  ~Inbox() { ::close(descriptor_); }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  Inbox(Inbox&&) = delete;
  Inbox& operator=(Inbox&&) = delete;

  /// False when full; the message is then not taken. Any thread.
  [[nodiscard]] bool put(Message message) {
    {
      const std::scoped_lock lock{mutex_};
      if (messages_.size() >= capacity) return false;
      messages_.push_back(std::move(message));
    }
    wake();
    return true;
  }

  /// Makes the taker's poll return although no message came. Any thread.
  void wake() noexcept {
    const std::uint64_t one = 1;
    // The counter can only be full when the taker has not looked for 2^64 wakes.
    [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
  }

  /// Everything that waits, oldest first; resets the descriptor. The taker's thread.
  [[nodiscard]] std::deque<Message> take() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(descriptor_, &count, sizeof count);
    const std::scoped_lock lock{mutex_};
    return std::exchange(messages_, {});
  }

  /// Polls readable when messages wait.
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::mutex mutex_;
  std::deque<Message> messages_;
};

}  // namespace tapd
