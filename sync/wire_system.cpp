// Announcing the controller and asking for the venue's emergency stop (contract, section 3).
#include <fmt/format.h>

#include "sync/json_reader.hpp"
#include "sync/json_text.hpp"
#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

using nlohmann::json;

constexpr std::size_t longest_controller_id = 50;
constexpr std::size_t longest_address = 45;
constexpr std::size_t longest_version = 20;

}  // namespace

namespace endpoint {

std::string snapshot(std::string_view controller_id) {
  return fmt::format("/api/controllers/{}/snapshot", controller_id);
}

const char* word(std::string_view path) {
  if (path == pours) return "pours";
  if (path == authorize) return "authorize";
  if (path == register_controller) return "register";
  if (path == flow_events) return "flow_events";
  if (path == system_status) return "status";
  return "snapshot";
}

}  // namespace endpoint

Decoded<bool> decode_system_status(std::string_view body) {
  return decoded<bool>(endpoint::system_status, body, small_answer, [](const Reader& root) {
    const Reader stop = root.at("emergency_stop");
    if (stop.value().is_boolean()) return stop.flag();
    const std::string text = stop.text(longest_version);
    if (text != "true" && text != "false") stop.fail("neither true nor false");
    return text == "true";
  });
}

std::string encode_register(std::string_view controller_id, std::string_view ip_address,
                            std::string_view firmware_version) {
  const json body{{"controller_id", controller_id.substr(0, longest_controller_id)},
                  {"ip_address", ip_address.substr(0, longest_address)},
                  {"firmware_version", firmware_version.substr(0, longest_version)}};
  return packed(body);
}

Decoded<std::monostate> decode_register(std::string_view body) {
  return decoded<std::monostate>(endpoint::register_controller, body, small_answer,
                                 [](const Reader& root) {
                                   if (!root.value().is_object()) root.fail("not an object");
                                   return std::monostate{};
                                 });
}

}  // namespace tapd::sync
