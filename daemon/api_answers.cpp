#include "daemon/api_answers.hpp"

#include <nlohmann/json.hpp>

#include "storage/model/whole_number.hpp"
#include "sync/json_text.hpp"

namespace tapd {

using nlohmann::json;

ApiResponse json_answer(const json& body) {
  return {.status = 200, .body = packed(body)};
}

ApiResponse problem(int status, const std::string& words) {
  return {.status = status, .body = packed({{"error", words}})};
}

ApiResponse control_is_silent() {
  return problem(503, "the control loop does not answer: look at journalctl -u tapd");
}

ApiResponse metrics_answer(const tl::expected<std::string, std::string>& text) {
  if (!text) return problem(503, text.error());
  return {.status = 200, .body = *text, .content_type = "text/plain; version=0.0.4"};
}

std::string of_query(const ApiRequest& request, const std::string& key) {
  const auto found = request.query.find(key);
  return found == request.query.end() ? std::string{} : found->second;
}

std::optional<model::TapId> tap_named(std::string_view text) {
  const auto number = model::whole_number(text);
  if (!number || *number < 1 || *number > model::TapId::largest) return std::nullopt;
  return model::TapId{static_cast<std::int32_t>(*number)};
}

std::optional<json> object_of(const ApiRequest& request) {
  json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return std::nullopt;
  return body;
}

}  // namespace tapd
