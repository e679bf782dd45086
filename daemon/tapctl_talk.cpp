#include "daemon/tapctl_talk.hpp"

#include <cctype>
#include <cstdio>

#include <fmt/format.h>
#include <poll.h>

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

void wait_ms(int milliseconds) {
  ::poll(nullptr, 0, milliseconds);
}

}  // namespace tapd
