// An answer of the venue server before HTTP: status, body and ETag. Everything that judges a
// request returns one; only http_server.cpp knows how it travels. The makers of error bodies are
// here, so that every error has one of the shapes of the wire contract.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace tapd::central {

/// One thing that is wrong with a body, in words for the one who sent it.
struct Fault {
  std::string field;  ///< Empty: the body as a whole.
  std::string message;
};

/// What goes back to the controller.
struct Reply {
  int status{200};
  std::string body{};  ///< JSON; empty only for 304.
  std::string etag{};  ///< With its quotes; empty: none.
};

[[nodiscard]] Reply json_reply(int status, const nlohmann::ordered_json& body);

/// {"detail": "..."}: the shape of errors that concern the request as a whole.
[[nodiscard]] Reply plain_error(int status, const std::string& detail);

/// {"detail": {"reason", "message", "context"}}: the shape of refusals (contract, section 1).
[[nodiscard]] Reply refusal(int status, const std::string& reason, const std::string& message,
                            const nlohmann::ordered_json& context);

/// 422 with {"detail": [{"loc", "msg", "type"}, ...]}: the shape of bodies with wrong fields.
[[nodiscard]] Reply unprocessable(const std::vector<Fault>& faults);

}  // namespace tapd::central
