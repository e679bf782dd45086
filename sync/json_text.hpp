// JSON as it is sent. Pure.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace tapd {

/// On one line, or with an indent for people. Bytes that are no UTF-8, as a terminal may have sent
/// them, become U+FFFD: none of them is worth an exception.
[[nodiscard]] inline std::string packed(const nlohmann::json& body, int indent = -1) {
  return body.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace tapd
