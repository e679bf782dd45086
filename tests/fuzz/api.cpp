// Any bytes as requests to the local API of a small bar: a line "METHOD /path?name=value", the body
// up to a zero byte, then the next request. Every answer is JSON, a refusal says why, no request is
// answered with an internal error, and after "end, please" the valve is shut.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "tests/daemon/api_bar.hpp"
#include "tests/fuzz/promise.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::fuzz {
namespace {

/// What stands before the first `mark`, which is taken away with it.
std::string_view take_until(std::string_view& text, char mark) {
  const std::size_t end = std::min(text.find(mark), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

ApiRequest to_request(std::string_view text) {
  ApiRequest request;
  std::string_view first = take_until(text, '\n');
  request.method = take_until(first, ' ');
  request.path = take_until(first, '?');
  while (!first.empty()) {
    std::string_view pair = take_until(first, '&');
    const std::string key{take_until(pair, '=')};
    request.query[key] = pair;
  }
  request.body = text;
  request.user = "anna";
  return request;
}

/// A backup writes where it is told to: not in a search.
bool is_played(const ApiRequest& request) {
  return request.path != "/backup";
}

void check(const ApiRequest& request, const ApiResponse& response) {
  const std::string what = request.method + " " + request.path;
  promise(response.status >= 200 && response.status < 600 && response.status != 500,
          what + " is answered with " + std::to_string(response.status) + ": " + response.body);
  if (response.content_type != "application/json") return;
  const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
  promise(!body.is_discarded(), what + " is answered with what is no JSON: " + response.body);
  if (response.status == 200) return;
  promise(body.contains("error") && body["error"].is_string() && body["error"] != "",
          what + " is refused without a reason: " + response.body);
}

}  // namespace
}  // namespace tapd::fuzz

// The name that libFuzzer calls.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tapd::fuzz;
  static const tapd::test::TempDir folder;
  static tapd::test::ApiBar bar{folder / "tapd.db"};
  constexpr int most_requests = 8;
  const std::string bytes(data, data + size);
  std::string_view text = bytes;
  for (int i = 0; i < most_requests && !text.empty(); ++i) {
    const tapd::ApiRequest request = to_request(take_until(text, '\0'));
    if (is_played(request)) check(request, bar.ask(request));
  }
  check({}, bar.ask({.method = "POST",
                     .path = "/service/end",
                     .query = {},
                     .body = R"({"tap": 1})",
                     .user = "anna"}));
  promise(!bar.valve_open(), "the valve is open after staff have ended their service");
  return 0;
}
