#include "daemon/control_loop.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <system_error>

#include <fmt/format.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/sync_thread.hpp"

namespace tapd {
namespace {

/// How long a stop may take: the longest tail and a slow disk.
constexpr std::chrono::seconds stop_grace{8};

// What an epoll event is about; meters are numbered from zero.
constexpr std::uint64_t tag_inbox = 1'000;
constexpr std::uint64_t tag_timer = 1'001;
constexpr std::uint64_t tag_signal = 1'002;
constexpr std::uint64_t tag_stop = 1'003;

sigset_t loop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

int make_signalfd() {
  const sigset_t set = loop_signals();
  return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

}  // namespace

Descriptor::Descriptor(int number, const char* what) : number_{number} {
  if (number < 0) throw std::system_error{errno, std::generic_category(), what};
}
Descriptor::~Descriptor() {
  ::close(number_);
}

tl::expected<void, std::string> run_before_others(int priority) {
  if (priority == 0) return {};
  sched_param parameter{};
  int policy = 0;
  // The service manager may have set it, and taken the right to change it away.
  if (::pthread_getschedparam(::pthread_self(), &policy, &parameter) == 0 &&
      (policy & ~SCHED_RESET_ON_FORK) == SCHED_FIFO) {
    return {};
  }
  parameter.sched_priority = priority;
  // A reload makes its threads from this one; they do not run before others.
  const int error =
      ::pthread_setschedparam(::pthread_self(), SCHED_FIFO | SCHED_RESET_ON_FORK, &parameter);
  if (error == 0) return {};
  return tl::unexpected{std::generic_category().message(error)};
}

void block_loop_signals() {
  const sigset_t set = loop_signals();
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    throw std::system_error{error, std::generic_category(), "pthread_sigmask"};
  }
}

ControlLoop::ControlLoop(Controller& controller, ControlInbox& inbox, const drivers::Clock& clock,
                         Journal& journal)
    : controller_{controller},
      inbox_{inbox},
      clock_{clock},
      journal_{journal},
      poll_{::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"},
      timer_{::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create"},
      signals_{make_signalfd(), "signalfd"},
      stop_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"},
      meters_(controller.tap_count(), -1) {
  watch_meters();
  watch(inbox_.descriptor(), tag_inbox);
  watch(timer_.number(), tag_timer);
  watch(signals_.number(), tag_signal);
  watch(stop_.number(), tag_stop);
}

void ControlLoop::watch(int descriptor, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  if (::epoll_ctl(poll_.number(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
    throw std::system_error{errno, std::generic_category(), "epoll_ctl"};
  }
}

/// A meter that was put to rest or has lost its line has no descriptor any more, and one that
/// listens again has a new one. Called after every step, so that no number is mistaken for the one
/// that was closed before it; a closed one has left the poll set by itself.
void ControlLoop::watch_meters() {
  for (std::size_t tap = 0; tap < meters_.size(); ++tap) {
    const int descriptor = controller_.meter_descriptor(tap);
    if (descriptor == meters_[tap]) continue;
    meters_[tap] = descriptor;
    if (descriptor >= 0) watch(descriptor, tap);
  }
}

void ControlLoop::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(stop_.number(), &one, sizeof one);
}

// Whoever takes an exception from here joins threads and closes a ledger: no valve waits for that.
LoopEnd ControlLoop::run() {
  try {
    return serve_to_the_end();
  } catch (...) {
    controller_.shut_every_valve(moment(clock_));
    throw;
  }
}

LoopEnd ControlLoop::serve_to_the_end() {
  controller_.start(moment(clock_));
  if (service_ != nullptr) service_->ready();
  constexpr std::size_t most_events = 32;
  std::array<epoll_event, most_events> events{};
  for (;;) {
    arm_timer();
    const int count = ::epoll_wait(poll_.number(), events.data(), most_events, -1);
    if (count < 0 && errno != EINTR) {
      throw std::system_error{errno, std::generic_category(), "epoll_wait"};
    }
    const auto ready = static_cast<std::size_t>(std::max(count, 0));
    // Meters have the smallest tags: a pulse that reaches the limit is served before everything.
    std::sort(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(ready),
              [](const epoll_event& a, const epoll_event& b) { return a.data.u64 < b.data.u64; });
    for (std::size_t i = 0; i < ready; ++i) {
      serve(events.at(i).data.u64);
      watch_meters();
    }
    if (const auto how = end()) return *how;
  }
}

/// Whether it is over, and how.
std::optional<LoopEnd> ControlLoop::end() {
  if (reload_asked_ && !stopping_ && controller_.at_rest()) {
    reload_asked_ = false;
    if (!reload_wanted_ || !reload_wanted_()) return std::nullopt;
    controller_.shut_down(moment(clock_));
    return LoopEnd::reload;
  }
  if (!stopping_) return std::nullopt;
  if (controller_.at_rest()) {
    journal_.line(Message::stopped, Level::info,
                  "stopped: every valve is shut and every pour is on disk");
    return LoopEnd::stopped;
  }
  if (clock_.read().since_boot < stop_deadline_) return std::nullopt;
  journal_.line(
      Message::stop_unfinished, Level::error,
      "stopped after waiting too long for the disk: the next start finishes what is open");
  return LoopEnd::unfinished;
}

void ControlLoop::serve(std::uint64_t tag) {
  switch (tag) {
    case tag_inbox:
      serve_inbox();
      return;
    case tag_timer: {
      std::uint64_t expired = 0;
      [[maybe_unused]] const auto got = ::read(timer_.number(), &expired, sizeof expired);
      tick();
      return;
    }
    case tag_signal:
      take_signal();
      return;
    case tag_stop: {
      std::uint64_t count = 0;
      [[maybe_unused]] const auto got = ::read(stop_.number(), &count, sizeof count);
      begin_to_stop("asked to");
      return;
    }
    default:
      controller_.on_meter(static_cast<std::size_t>(tag), moment(clock_));
      return;
  }
}

void ControlLoop::tick() {
  const model::Moment now = moment(clock_);
  controller_.on_tick(now);
  if (service_ == nullptr || !service_->period() || now.since_boot < alive_at_) return;
  service_->alive();
  alive_at_ = now.since_boot + *service_->period();
}

void ControlLoop::serve_inbox() {
  for (const ControlMessage& message : inbox_.take()) {
    const model::Moment now = moment(clock_);
    if (const auto* presence = std::get_if<Presence>(&message)) {
      controller_.on_presence(presence->tap, presence->event, now);
    } else if (const auto* answer = std::get_if<StorageAnswer>(&message)) {
      controller_.on_storage(*answer, now);
    } else if (const auto* notice = std::get_if<sync::Notice>(&message)) {
      controller_.on_sync(*notice, now);
    } else if (const auto* order = std::get_if<Order>(&message)) {
      (*order)(controller_, now);
      watch_meters();
    }
  }
}

void ControlLoop::take_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.number(), &info, sizeof info) != sizeof info) return;
  if (info.ssi_signo == SIGHUP) {
    reload_asked_ = true;
    if (!controller_.at_rest()) {
      journal_.line(Message::config_waits, Level::info,
                    "a new configuration waits until nobody pours at any tap");
    }
    return;
  }
  begin_to_stop(::strsignal(static_cast<int>(info.ssi_signo)));
}

void ControlLoop::begin_to_stop(const std::string& why) {
  if (stopping_) return;
  stopping_ = true;
  const model::Moment now = moment(clock_);
  stop_deadline_ = now.since_boot + stop_grace;
  journal_.line(Message::stopping, Level::info,
                fmt::format("stopping ({}): shutting every valve", why));
  controller_.shut_down(now);
  if (service_ != nullptr) service_->stopping();
}

void ControlLoop::arm_timer() {
  auto at = controller_.wake_at();
  if (stopping_) at = std::min(at.value_or(stop_deadline_), stop_deadline_);
  if (service_ != nullptr && service_->period()) at = std::min(at.value_or(alive_at_), alive_at_);
  itimerspec when{};  // zero: disarmed
  if (at) {
    const auto ns = std::max<std::int64_t>(at->count(), 1);
    when.it_value.tv_sec = ns / 1'000'000'000;
    when.it_value.tv_nsec = ns % 1'000'000'000;
  }
  ::timerfd_settime(timer_.number(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace tapd
