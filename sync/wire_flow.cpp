// Flow outside a sale, told like a pour (contract, section 3).
#include <algorithm>
#include <cstdint>
#include <limits>

#include "sync/json_reader.hpp"
#include "sync/json_text.hpp"
#include "sync/wire.hpp"

namespace tapd::sync {
namespace {

using nlohmann::json;

constexpr std::int64_t largest_int32 = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t longest_state = 64;
constexpr std::size_t longest_reason = 128;

}  // namespace

std::string encode_flow_event(const model::FlowEvent& event) {
  // The server takes no event without volume; one pulse may be less than a millilitre.
  const std::int64_t volume =
      std::clamp<std::int64_t>(event.volume.in_millilitres(), 1, largest_int32);
  const std::string state = event.session_state.empty() ? "none" : event.session_state;
  const json body{
      {"event_id", event.event_id},
      {"event_status", event.event_status},
      {"tap_id", event.tap_id.number()},
      {"volume_ml", volume},
      {"duration_ms", std::clamp<std::int64_t>(event.duration.count(), 0, largest_int32)},
      {"card_present", event.card_present},
      {"valve_open", event.valve_open},
      {"session_state", state.substr(0, longest_state)},
      {"reason", event.reason.substr(0, longest_reason)}};
  return packed(body);
}

Decoded<std::monostate> decode_flow_event(std::string_view body) {
  return decoded<std::monostate>(endpoint::flow_events, body, small_answer, [](const Reader& root) {
    if (!root.value().is_object()) root.fail("not an object");
    return std::monostate{};
  });
}

}  // namespace tapd::sync
