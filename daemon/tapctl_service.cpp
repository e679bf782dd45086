#include "daemon/tapctl_service.hpp"

#include <csignal>
#include <cstdio>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace tapd {
namespace {

using nlohmann::json;

volatile std::sig_atomic_t interrupted = 0;

/// While it lives, Ctrl-C asks for the end instead of ending tapctl: the valve must not stay open
/// for the rest of its time because somebody wanted it shut.
class CtrlC {
 public:
  CtrlC() {
    interrupted = 0;
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = 1; };
    ::sigaction(SIGINT, &action, &before_);
  }
  ~CtrlC() { ::sigaction(SIGINT, &before_, nullptr); }
  CtrlC(const CtrlC&) = delete;
  CtrlC& operator=(const CtrlC&) = delete;
  CtrlC(CtrlC&&) = delete;
  CtrlC& operator=(CtrlC&&) = delete;

 private:
  struct sigaction before_{};
};

tl::expected<json, int> tap_of(const ApiClient& client, int number) {
  const auto status = body_of(client.get("/status"));
  if (!status) return tl::unexpected(status.error());
  for (const json& tap : status->at("taps")) {
    if (tap.at("tap_id").get<int>() == number) return tap;
  }
  return tl::unexpected(refuse(fmt::format("there is no tap {}", number)));
}

std::int64_t services_of(const json& tap) {
  return tap.contains("last_service") ? tap.at("last_service").at("number").get<std::int64_t>() : 0;
}

/// Enter was pressed, or nobody is there to press it any more.
bool line_on_stdin(int patience_ms) {
  pollfd in{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (::poll(&in, 1, patience_ms) <= 0) return false;
  char one = 0;
  while (::read(STDIN_FILENO, &one, 1) == 1 && one != '\n') {
  }
  return true;
}

}  // namespace

tl::expected<json, int> carry_out_service(const ApiClient& client, const ServiceWish& wish) {
  const auto before = tap_of(client, wish.tap);
  if (!before) return tl::unexpected(before.error());
  const std::int64_t done_before = services_of(*before);
  const json asked{
      {"tap", wish.tap}, {"kind", wish.kind}, {"seconds", wish.seconds}, {"ml", wish.ml}};
  const CtrlC ctrl_c;
  if (const auto begun = body_of(client.post("/service", asked.dump())); !begun) {
    return tl::unexpected(begun.error());
  }
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  bool end_asked = false;
  for (;;) {
    constexpr int between_looks = 100;
    bool end = interrupted != 0;
    if (wish.enter_ends && !end_asked) {
      end = line_on_stdin(between_looks) || end;
    } else {
      wait_ms(between_looks);
    }
    if (end && !end_asked) {
      end_asked = true;
      // It may have ended by itself meanwhile: then there is nothing to be ended.
      (void)client.post("/service/end", json{{"tap", wish.tap}}.dump());
    }
    const auto tap = tap_of(client, wish.tap);
    if (!tap) return tl::unexpected(tap.error());
    if (services_of(*tap) > done_before) {
      if (terminal) fmt::print(stderr, "\r\033[K");
      return tap->at("last_service");
    }
    if (terminal) fmt::print(stderr, "\rtap {}: {} ml\033[K", wish.tap, tap->value("volume_ml", 0));
  }
}

}  // namespace tapd
