#include "daemon/service_notify.hpp"

#include <cstddef>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "storage/model/whole_number.hpp"

namespace tapd {
namespace {

/// Signs of life in the time that the manager allows between two.
constexpr int told_per_period = 3;

/// More than zero.
std::optional<std::int64_t> number(const char* text) {
  if (text == nullptr) return std::nullopt;
  const auto value = model::whole_number(text);
  return value && *value > 0 ? value : std::nullopt;
}

}  // namespace

ServiceNotify::ServiceNotify(const char* socket, const char* watchdog_us,
                             const char* watchdog_pid) {
  if (socket == nullptr) return;
  address_ = socket;
  sockaddr_un longest{};
  if (address_.empty() || (address_[0] != '/' && address_[0] != '@') ||
      address_.size() > sizeof longest.sun_path) {
    return;
  }
  if (address_[0] == '@') address_[0] = '\0';  // an abstract socket, unix(7)
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const auto pid = number(watchdog_pid);
  if (watchdog_pid != nullptr && (!pid || *pid != ::getpid())) return;  // meant for another
  const auto allowed = number(watchdog_us);
  if (allowed) allowed_ = std::chrono::microseconds{*allowed};
}

ServiceNotify::~ServiceNotify() {
  if (socket_ >= 0) ::close(socket_);
}

std::optional<std::chrono::nanoseconds> ServiceNotify::period() const {
  if (!allowed_) return std::nullopt;
  return std::chrono::nanoseconds{*allowed_} / told_per_period;
}

void ServiceNotify::ready() {
  std::string text = "READY=1";
  if (allowed_) text += "\nWATCHDOG_USEC=" + std::to_string(allowed_->count());
  send(text);
}

void ServiceNotify::reloading(std::chrono::microseconds monotonic) {
  constexpr std::chrono::microseconds longest_reload = std::chrono::minutes{2};
  std::string text = "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic.count());
  if (allowed_) text += "\nWATCHDOG_USEC=" + std::to_string(longest_reload.count());
  send(text);
}

void ServiceNotify::send(std::string_view text) {
  if (socket_ < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, address_.data(), address_.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  // A manager that does not listen is not our trouble; one that misses a sign of life asks again by
  // killing, which is what it is for.
  [[maybe_unused]] const auto sent = ::sendto(socket_, text.data(), text.size(), MSG_NOSIGNAL,
                                              reinterpret_cast<const sockaddr*>(&address), length);
}

}  // namespace tapd
