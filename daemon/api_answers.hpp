// What every part of the local API answers with: JSON, and {"error": words} for a refusal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "daemon/http_server.hpp"
#include "storage/model/ids.hpp"

#include <tl/expected.hpp>

namespace tapd {

[[nodiscard]] ApiResponse json_answer(const nlohmann::json& body);
/// `status` as HTTP numbers it: 400 for what was asked wrongly, 409 for what cannot be now, 503 for
/// a part of tapd that does not answer.
[[nodiscard]] ApiResponse problem(int status, const std::string& words);
[[nodiscard]] ApiResponse control_is_silent();
/// Prometheus' text as it is; an error as 503.
[[nodiscard]] ApiResponse metrics_answer(const tl::expected<std::string, std::string>& text);
/// The request's body as a JSON object; nullopt when it is none.
[[nodiscard]] std::optional<nlohmann::json> object_of(const ApiRequest& request);

/// A value of the query; empty when it is not there.
[[nodiscard]] std::string of_query(const ApiRequest& request, const std::string& key);

/// A tap by its number as text; nullopt when that is no number that a tap can have.
[[nodiscard]] std::optional<model::TapId> tap_named(std::string_view text);

}  // namespace tapd
