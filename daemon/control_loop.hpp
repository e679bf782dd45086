// The control loop: one thread on one poll set. Meters first, then messages from the other threads,
// then timers. It never blocks on anything but the poll itself; what it calls returns at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/controller.hpp"
#include "daemon/inbox.hpp"
#include "daemon/service_notify.hpp"
#include "drivers/clock.hpp"

#include <tl/expected.hpp>

namespace tapd {

/// A descriptor that is closed with its owner.
class Descriptor {
 public:
  /// Throws std::system_error naming `what` when `number` is negative (errno says why).
  Descriptor(int number, const char* what);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

/// Somebody laid a card on, took it away, ... at the tap with this index.
struct Presence {
  std::size_t tap{0};
  drivers::PresenceEvent event;
};
/// What another thread wants done or looked at; runs on the control thread and must be short.
using Order = std::function<void(Controller&, const model::Moment&)>;
using ControlMessage = std::variant<Presence, StorageAnswer, sync::Notice, Order>;
using ControlInbox = Inbox<ControlMessage>;

/// How a loop ended.
enum class LoopEnd : std::uint8_t {
  stopped,     ///< As asked: every valve is shut and every pour is on disk.
  unfinished,  ///< The disk did not answer in time; the next start finishes what is open.
  reload,      ///< A new configuration is to be taken over; no pour is open.
};

class ControlLoop {
 public:
  /// SIGTERM, SIGINT and SIGHUP must be blocked in every thread before. The first two end the loop.
  ControlLoop(Controller& controller, ControlInbox& inbox, const drivers::Clock& clock,
              Journal& journal);

  /// Runs until a signal asks for the end, every valve is shut and every pour is on disk, or the
  /// grace period is over.
  LoopEnd run();
  /// As a signal would. Any thread.
  void stop();
  /// Tells the service manager that this loop is ready, alive, stopping. Alive it is when a tick
  /// has gone through every tap. Before `run`; must outlive the loop.
  void tell(ServiceNotify& service) { service_ = &service; }
  /// What SIGHUP asks for, once no pour is open: whether there is a new configuration to end for.
  /// May read a file. Before `run`.
  void on_reload(std::function<bool()> wanted) { reload_wanted_ = std::move(wanted); }

 private:
  [[nodiscard]] LoopEnd serve_to_the_end();
  void watch(int descriptor, std::uint64_t tag);
  void watch_meters();
  void serve(std::uint64_t tag);
  void serve_inbox();
  void take_signal();
  void begin_to_stop(const std::string& why);
  [[nodiscard]] std::optional<LoopEnd> end();
  void tick();
  void arm_timer();

  Controller& controller_;
  ControlInbox& inbox_;
  const drivers::Clock& clock_;
  Journal& journal_;
  Descriptor poll_;
  Descriptor timer_;
  Descriptor signals_;
  Descriptor stop_;
  ServiceNotify* service_{nullptr};
  model::SinceBoot alive_at_{};  // when the manager is told next, if it watches
  std::vector<int> meters_;      // watched, by tap; -1: none
  std::function<bool()> reload_wanted_;
  bool reload_asked_{false};
  bool stopping_{false};
  model::SinceBoot stop_deadline_{};
};

/// Lets the calling thread run before all ordinary ones (SCHED_FIFO, 1 to 50; hardware notes,
/// section 6), so that other work on the board does not delay a cut-off. Zero does nothing, nor
/// does a thread that already does so (CPUSchedulingPolicy=). Answers why the kernel refused.
[[nodiscard]] tl::expected<void, std::string> run_before_others(int priority);

/// Blocks the signals that the loop reads. Call in main before any thread is started.
void block_loop_signals();

}  // namespace tapd
