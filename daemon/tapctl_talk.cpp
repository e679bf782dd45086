#include "daemon/tapctl_talk.hpp"

#include <cctype>
#include <chrono>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <poll.h>

#include "drivers/clock.hpp"
#include "storage/model/money.hpp"

namespace tapd {

using nlohmann::json;

int refuse(const std::string& words, int code) {
  fmt::print(stderr, "tapctl: {}\n", words);
  return code;
}

tl::expected<json, NoAnswer> heard(const tl::expected<ApiAnswer, std::string>& answer) {
  if (!answer) return tl::unexpected(NoAnswer{.words = answer.error(), .code = exit_no_answer});
  json body = json::parse(answer->body, nullptr, false);
  constexpr int ok = 200;
  if (answer->status != ok || !body.is_object()) {
    return tl::unexpected(NoAnswer{.words = body.is_object() ? body.value("error", answer->body)
                                                             : "tapd answered what is not JSON"});
  }
  return body;
}

tl::expected<json, int> body_of(const tl::expected<ApiAnswer, std::string>& answer) {
  return heard(answer).map_error([](const NoAnswer& no) { return refuse(no.words, no.code); });
}

void say_done(const ApiClient& client, int tap) {
  const auto status = heard(client.get("/status"));
  for (const json& one : status ? status->value("taps", json::array()) : json::array()) {
    const std::string state = one.value("state", "");
    if (one.value("tap_id", 0) != tap || (state != "locked" && state != "faulted")) continue;
    fmt::print("done; tap {} stays {}: {}\n", tap, state, one.value("reason", ""));
    return;
  }
  fmt::print("done\n");
}

tl::expected<json, int> Watched::get(const std::string& path) {
  constexpr std::chrono::seconds longest_silence{30};
  constexpr int between_looks_ms = 500;
  constexpr int not_now = 503;
  const auto since = drivers::since_boot_now();
  for (bool said = false;; said = true) {
    const auto answer = client_.get(path);
    auto body = heard(answer);
    if (body) {
      has_answered_ = true;
      return *std::move(body);
    }
    const bool silent = !answer || answer->status == not_now;
    if (!has_answered_ || !silent || drivers::since_boot_now() - since > longest_silence) {
      return tl::unexpected(refuse(body.error().words, body.error().code));
    }
    if (!said) {
      refuse(fmt::format("{}; asking on for {} s", body.error().words, longest_silence.count()));
    }
    wait_ms(between_looks_ms);
  }
}

std::string money(const json& cents) {
  return model::to_text(model::Money{cents.get<std::int64_t>()});
}

std::string plain(const std::string& word) {
  std::string safe;
  for (const char one : word) {
    safe += std::isalnum(static_cast<unsigned char>(one)) != 0 ? one : '_';
  }
  return safe;
}

std::string plain_uid(const std::string& uid) {
  std::string digits = uid;
  std::erase_if(digits, [](char one) { return one == ':' || one == '-' || one == ' '; });
  return plain(digits);
}

void wait_ms(int milliseconds) {
  ::poll(nullptr, 0, milliseconds);
}

}  // namespace tapd
