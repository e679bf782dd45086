// What tapd tells the service manager that started it (sd_notify(3), without its library): that it
// is ready, that it is alive, that it stops. Without a service manager it tells nobody. Called by
// the control thread; never blocks.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tapd {

class ServiceNotify {
 public:
  /// `socket` and `watchdog_us` are NOTIFY_SOCKET and WATCHDOG_USEC, `watchdog_pid` is
  /// WATCHDOG_PID; null: not set. A value that cannot be is taken as none.
  ServiceNotify(const char* socket, const char* watchdog_us, const char* watchdog_pid);
  ~ServiceNotify();
  ServiceNotify(const ServiceNotify&) = delete;
  ServiceNotify& operator=(const ServiceNotify&) = delete;
  ServiceNotify(ServiceNotify&&) = delete;
  ServiceNotify& operator=(ServiceNotify&&) = delete;

  void ready();
  /// A new configuration is being taken over, which may take longer than a sign of life may stay
  /// away; `ready` ends it. `monotonic` is CLOCK_MONOTONIC now (sd_notify(3)).
  void reloading(std::chrono::microseconds monotonic);
  void alive() { send("WATCHDOG=1"); }
  void stopping() { send("STOPPING=1"); }
  /// How often `alive` should be told: a third of what the manager allows. None: it does not watch.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> period() const;

 private:
  void send(std::string_view text);

  int socket_{-1};
  std::string address_;
  std::optional<std::chrono::microseconds> allowed_;  // between two signs of life
};

}  // namespace tapd
