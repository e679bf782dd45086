#include "daemon/api.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api_answers.hpp"
#include "daemon/control_talk.hpp"

namespace tapd {
namespace {

using nlohmann::json;

json tap_json(const TapSession& session) {
  const TapView view = session.view();
  json tap{{"tap_id", session.tap().number()},
           {"state", to_text(view.state)},
           {"reason", view.reason},
           {"valve_open", session.valve_open()},
           {"close_time_us", session.tail().close_time().count()}};
  if (view.card) tap["card"] = view.card->masked();
  if (view.state == TapState::servicing) {
    tap["volume_ml"] = view.volume.in_millilitres();
    tap["edges"] = view.edges;
  }
  if (!view.grant) return tap;
  tap["guest"] = view.grant->guest_first_name;
  tap["beverage"] = view.grant->beverage;
  tap["price_per_litre_cents"] = view.grant->price.minor_per_litre();
  if (view.grant->price_is_about) tap["price_is_about"] = true;
  tap["limit_ml"] = view.grant->limit.in_millilitres();
  tap["authorized_by"] = to_text(view.grant->by);
  tap["volume_ml"] = view.volume.in_millilitres();
  tap["price_cents"] = view.price.minor_units();
  if (view.client_tx_id) tap["receipt"] = view.client_tx_id->short_id();
  return tap;
}

json reader_json(const drivers::ReaderHealth& reader) {
  return {{"out_of_service", reader.out_of_service},
          {"looks", reader.looks},
          {"garbled", reader.garbled},
          {"troubles", reader.troubles},
          {"incidents", reader.incidents},
          {"initialised", reader.initialised},
          {"soft_resets", reader.soft_resets},
          {"line_resets", reader.line_resets},
          {"reopened", reader.reopened},
          {"given_up", reader.given_up}};
}

void add_readers(json& taps, const std::vector<drivers::ReaderHealth>& readers) {
  for (std::size_t i = 0; i < std::min(taps.size(), readers.size()); ++i) {
    taps[i]["reader"] = reader_json(readers[i]);
  }
}

json queue_json(const storage::QueueCounts& queue) {
  return {{"open", queue.open},
          {"waiting", queue.waiting},
          {"failed", queue.failed},
          {"confirmed", queue.confirmed},
          {"owed_cents", queue.owed.minor_units()}};
}

json controller_json(const Controller& controller) {
  json taps = json::array();
  for (std::size_t tap = 0; tap < controller.tap_count(); ++tap) {
    json one = tap_json(controller.session(tap));
    if (const auto& service = controller.last_service(tap); service.number > 0) {
      one["last_service"] = {{"number", service.number},
                             {"kind", to_text(service.done.kind)},
                             {"volume_ul", service.done.volume.in_microlitres()},
                             {"edges", service.done.edges},
                             {"open_ms", service.done.open_for.count()}};
    }
    taps.push_back(std::move(one));
  }
  return {{"taps", taps},
          {"server_reachable", controller.server_reachable()},
          {"emergency_stop", controller.world().emergency_stop}};
}

}  // namespace

Api::Api(ApiPorts ports) : ports_{std::move(ports)} {}

ApiResponse Api::operator()(const ApiRequest& request) const {
  if (request.path == "/status" && request.method == "GET") return status();
  if (auto answer = serve_pours(ports_.pours, request)) return *std::move(answer);
  if (request.path == "/verify" && request.method == "GET") {
    return verify_books(ports_.books, request);
  }
  if (request.path == "/owed" && request.method == "GET") return owed(ports_.books);
  if (request.path == "/backup" && request.method == "GET") return backup_state(ports_.books);
  if (request.path == "/backup" && request.method == "POST") {
    return begin_backup(ports_.books, request);
  }
  if (request.path == "/sim" && request.method == "POST") return simulate(request);
  if (request.path == "/clear" && request.method == "POST") return clear(request);
  if (request.path == "/explain" && request.method == "GET") {
    return explain(ports_.explain, request);
  }
  if (request.path == "/metrics" && request.method == "GET")
    return metrics_answer(ports_.metrics());
  if (auto answer = serve_staff(ports_.staff, request)) return *std::move(answer);
  return problem(404,
                 fmt::format("{} {} is not known; known: GET /status, GET /pours, GET /queue, POST "
                             "/queue/retry, GET /verify, "
                             "GET /owed, GET and POST /backup, POST /clear, POST /service, POST "
                             "/service/end, POST /lock, POST /unlock, POST /calibration, "
                             "GET /explain, GET /metrics, POST /sim",
                             request.method, request.path));
}

ApiResponse Api::status() const {
  // The disk may be slow: the taps are asked last, so that what is told of them is true.
  const auto queue =
      ports_.storage->run([](storage::Ledger& ledger) { return ledger.queue_counts(); });
  if (!queue) return problem(500, queue.error().message);
  auto body = ask<json>(*ports_.control, controller_json);
  if (!body) return control_is_silent();
  if (ports_.readers) add_readers((*body)["taps"], ports_.readers());
  (*body)["queue"] = queue_json(*queue);
  (*body)["controller_id"] = ports_.controller_id;
  (*body)["version"] = ports_.version;
  return json_answer(*body);
}

ApiResponse Api::clear(const ApiRequest& request) const {
  std::int32_t tap = 0;
  const std::string& text = request.body;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tap);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return problem(400, fmt::format("\"{}\" is not a tap's number", text));
  }
  const auto cleared = order<bool>(*ports_.control, [tap](Controller& controller, const auto& now) {
    return controller.clear(model::TapId{tap}, now);
  });
  if (!cleared) return control_is_silent();
  if (!*cleared) return problem(400, fmt::format("there is no tap {}", tap));
  return json_answer({{"done", true}});
}

ApiResponse Api::simulate(const ApiRequest& request) const {
  if (!ports_.simulate) {
    return problem(409, "no tap is simulated: set driver = \"sim\" in a [[tap]]");
  }
  const auto done = ports_.simulate(request.body);
  if (!done) return problem(400, done.error());
  return json_answer({{"done", true}});
}

}  // namespace tapd
