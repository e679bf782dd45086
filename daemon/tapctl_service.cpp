#include "daemon/tapctl_service.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "daemon/tapctl_interrupt.hpp"

namespace tapd {
namespace {

using nlohmann::json;

constexpr int between_looks_ms = 100;
/// Looks that nobody answers, each after its own patience or at once, until it is given up.
constexpr int most_silences = 50;

/// Asks for nothing that waits for the disk: while a valve is open it must be heard when to shut
/// it.
tl::expected<json, NoAnswer> look_at(const ApiClient& client, int tap) {
  return heard(client.get(fmt::format("/meter?tap={}", tap)));
}

std::int64_t services_of(const json& tap) {
  return tap.contains("last_service") ? tap.at("last_service").at("number").get<std::int64_t>() : 0;
}

/// Whether tapd has taken the order to shut the valve, or has shut it already.
bool has_ended(const ApiClient& client, int tap) {
  const auto answer = client.post("/service/end", json{{"tap", tap}}.dump());
  constexpr int done = 200;
  constexpr int nobody_at_work = 409;
  return answer && (answer->status == done || answer->status == nobody_at_work);
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
  const auto before = look_at(client, wish.tap);
  if (!before) return tl::unexpected(refuse(before.error().words, before.error().code));
  const std::int64_t done_before = services_of(*before);
  const json asked{
      {"tap", wish.tap}, {"kind", wish.kind}, {"seconds", wish.seconds}, {"ml", wish.ml}};
  const Interruption interruption;
  if (const auto begun = body_of(client.post("/service", packed(asked))); !begun) {
    // It may have been heard all the same.
    if (begun.error() == exit_no_answer) static_cast<void>(has_ended(client, wish.tap));
    return tl::unexpected(begun.error());
  }
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  bool end_wanted = false;
  bool end_taken = false;
  for (int silences = 0; silences < most_silences;) {
    const bool waits_for_enter = wish.enter_ends && !end_wanted;
    if (waits_for_enter) {
      end_wanted = line_on_stdin(between_looks_ms);
    } else {
      wait_ms(between_looks_ms);
    }
    end_wanted = end_wanted || interruption.wanted();
    if (end_wanted && !end_taken) end_taken = has_ended(client, wish.tap);
    const auto tap = look_at(client, wish.tap);
    if (!tap) {
      if (silences++ == 0) {
        fmt::print(stderr, "tap {}: the valve may still be open, it is asked to shut: {}\n",
                   wish.tap, tap.error().words);
      }
      end_wanted = true;
      continue;
    }
    if (services_of(*tap) > done_before) {
      if (terminal) fmt::print(stderr, "\r\033[K");
      return tap->at("last_service");
    }
    // A tapd that was started again knows nothing of it.
    const bool at_work = tap->value("valve_open", true) || tap->value("state", "") == "settling";
    if (silences > 0 && !at_work) {
      return tl::unexpected(refuse(fmt::format(
          "tap {}: the valve is shut; tapd did not answer for a while, and what ran is not known: "
          "journalctl -u tapd",
          wish.tap)));
    }
    if (terminal) fmt::print(stderr, "\rtap {}: {} ml\033[K", wish.tap, tap->value("volume_ml", 0));
  }
  return tl::unexpected(refuse(
      fmt::format("tapd does not answer: the valve of tap {} may be open for up to {} s: pull "
                  "its plug if it is, then systemctl status tapd",
                  wish.tap, wish.seconds),
      exit_no_answer));
}

}  // namespace tapd
