#include "daemon/watch_api.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api_answers.hpp"
#include "daemon/control_talk.hpp"
#include "daemon/tap_states.hpp"
#include "storage/model/time.hpp"
#include "storage/model/whole_number.hpp"

namespace tapd {
namespace {

using nlohmann::json;

ApiResponse cards(const WatchPorts& ports, const ApiRequest& request) {
  const std::string text = of_query(request, "after");
  const auto after = text.empty() ? std::int64_t{0} : model::whole_number(text);
  if (!after || *after < 0) return problem(400, "after must be a number that was told before");
  json list = json::array();
  for (const CardSight& sight : ports.cards->after(*after)) {
    json one{{"number", sight.number},
             {"tap_id", sight.tap.number()},
             {"at", model::to_iso8601(sight.at)},
             {"what", sight.what}};
    if (!sight.card.empty()) one["card"] = sight.card;
    if (!sight.why.empty()) one["why"] = sight.why;
    list.push_back(std::move(one));
  }
  return json_answer({{"newest", ports.cards->newest()}, {"cards", std::move(list)}});
}

/// nullopt: there is no such tap.
std::optional<json> meter_of(const Controller& controller, model::TapId id, model::SinceBoot now) {
  for (std::size_t tap = 0; tap < controller.tap_count(); ++tap) {
    const TapSession& session = controller.session(tap);
    if (session.tap() != id) continue;
    const MeterCounts& counts = controller.meter_counts(tap);
    const auto at = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    json told{{"tap_id", id.number()},
              {"at_us", at},
              {"edges", counts.edges},
              {"rejected", counts.rejected},
              {"edges_lost", counts.edges_lost},
              {"out_of_turn", counts.out_of_turn},
              {"intervals", counts.intervals},
              {"most_millihertz", controller.rules(tap).meter.most_millihertz},
              {"nanolitres_per_pulse", session.calibration().nominal()},
              {"valve_open", session.valve_open()},
              {"state", to_text(session.state())},
              {"closed_by_staff", session.closed_by_staff()},
              {"unheard", session.has_fault(FaultKind::noise)},
              {"volume_ml", session.view().volume.in_millilitres()}};
    add_last_service(told, controller.last_service(tap));
    return told;
  }
  return std::nullopt;
}

ApiResponse meter(const WatchPorts& ports, const ApiRequest& request) {
  const std::string text = of_query(request, "tap");
  const auto tap = tap_named(text);
  if (!tap) return problem(400, fmt::format("\"{}\" is not a tap's number", text));
  const auto found = order<std::optional<json>>(
      *ports.control, [tap = *tap](const Controller& controller, const model::Moment& now) {
        return meter_of(controller, tap, now.since_boot);
      });
  if (!found) return control_is_silent();
  if (!*found) return problem(400, fmt::format("there is no tap {}", tap->number()));
  json told = **found;
  told["start"] = ports.start;
  return json_answer(told);
}

}  // namespace

std::optional<ApiResponse> serve_watch(const WatchPorts& ports, const ApiRequest& request) {
  if (request.method != "GET") return std::nullopt;
  if (request.path == "/cards") return cards(ports, request);
  if (request.path == "/meter") return meter(ports, request);
  return std::nullopt;
}

}  // namespace tapd
