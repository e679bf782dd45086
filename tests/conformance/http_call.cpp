#include "tests/conformance/http_call.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include "sync/curl_transport.hpp"

namespace tapd::conformance {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds deadline{15'000};

Answer answer_of(const sync::HttpOutcome& outcome) {
  if (!outcome) return {.status = 0, .body = outcome.error().message, .headers = {}};
  return {.status = outcome->status, .body = outcome->body, .headers = outcome->headers};
}

Answer carry(sync::CurlTransport& transport, const Question& question) {
  sync::HttpRequest request;
  using Method = sync::HttpRequest::Method;
  request.method = question.post ? Method::post : Method::get;
  request.path = question.path;
  request.headers = question.headers;
  if (question.post) request.headers.emplace("Content-Type", "application/json");
  request.body = question.body;
  request.deadline = deadline;
  transport.start(1, request);
  // The transport ends every request at its deadline, so this ends.
  for (;;) {
    for (const sync::Completion& completion : transport.wait(1s)) {
      return answer_of(completion.outcome);
    }
  }
}

}  // namespace

Call http_call(const std::string& url, const std::string& ca_file) {
  sync::CurlOptions options;
  options.base_url = url;
  options.user_agent = "tapd-conformance";
  if (!ca_file.empty()) options.ca_file = ca_file;
  const auto transport = std::make_shared<sync::CurlTransport>(std::move(options));
  return [transport](const Question& question) { return carry(*transport, question); };
}

}  // namespace tapd::conformance
