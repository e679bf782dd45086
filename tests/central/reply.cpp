#include "tests/central/reply.hpp"

#include <nlohmann/json.hpp>

namespace tapd::central {

using nlohmann::ordered_json;

Reply json_reply(int status, const ordered_json& body) {
  return {.status = status, .body = body.dump(), .etag = {}};
}

Reply plain_error(int status, const std::string& detail) {
  return json_reply(status, {{"detail", detail}});
}

Reply refusal(int status, const std::string& reason, const std::string& message,
              const ordered_json& context) {
  ordered_json detail{{"reason", reason}, {"message", message}};
  if (!context.is_null()) detail["context"] = context;
  return json_reply(status, {{"detail", detail}});
}

Reply unprocessable(const std::vector<Fault>& faults) {
  ordered_json list = ordered_json::array();
  for (const auto& fault : faults) {
    ordered_json where = ordered_json::array({"body"});
    if (!fault.field.empty()) where.push_back(fault.field);
    list.push_back({{"loc", where}, {"msg", fault.message}, {"type", "value_error"}});
  }
  return json_reply(422, {{"detail", list}});
}

}  // namespace tapd::central
