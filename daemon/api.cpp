#include "daemon/api.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/api_answers.hpp"
#include "daemon/control_talk.hpp"
#include "daemon/tap_states.hpp"

namespace tapd {
namespace {

using nlohmann::json;

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
    json one = status_of(controller.session(tap));
    add_last_service(one, controller.last_service(tap));
    taps.push_back(std::move(one));
  }
  return {{"taps", taps},
          {"server_reachable", controller.server_reachable()},
          {"emergency_stop", controller.emergency_stop()}};
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
  if (request.path == "/explain" && request.method == "GET") {
    return explain(ports_.explain, request);
  }
  if (request.path == "/metrics" && request.method == "GET")
    return metrics_answer(ports_.metrics());
  if (auto answer = serve_watch(ports_.watch, request)) return *std::move(answer);
  if (request.path == "/stream" && request.method == "GET" && ports_.listen) {
    return {.status = 200,
            .body = {},
            .content_type = "application/x-ndjson",
            .stream = ports_.listen()};
  }
  if (auto answer = serve_staff(ports_.staff, request)) return *std::move(answer);
  return problem(404,
                 fmt::format("{} {} is not known; known: GET /status, GET /pours, GET /queue, POST "
                             "/queue/retry, POST /queue/park, POST /queue/booked, GET /verify, "
                             "GET /owed, GET and POST /backup, POST /clear, POST /service, POST "
                             "/service/end, POST /lock, POST /unlock, GET and POST /calibration, "
                             "POST /selftest/kill, GET /cards, GET /meter, GET /stream, "
                             "GET /explain, GET /metrics, POST /sim",
                             request.method, request.path));
}

ApiResponse Api::status() const {
  // The disk may be slow: the taps are asked last, so that what is told of them is true.
  const auto queue =
      ports_.storage->run([](storage::Ledger& ledger) { return ledger.queue_counts(); });
  if (!queue) return problem(503, queue.error().message);
  auto body = ask<json>(*ports_.control, controller_json);
  if (!body) return control_is_silent();
  if (ports_.readers) add_readers((*body)["taps"], ports_.readers());
  (*body)["queue"] = queue_json(*queue);
  const BoardHealth board = ports_.board();
  (*body)["clock"] = to_json(board.clock);
  (*body)["disk"] = to_json(board.disk);
  (*body)["no_server"] = ports_.no_server;
  (*body)["controller_id"] = ports_.controller_id;
  (*body)["version"] = ports_.version;
  return json_answer(*body);
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
