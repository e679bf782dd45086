#include "tests/central/bar_fixture.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <utility>

namespace tapd::central {

using nlohmann::json;

struct Client::Connection {
  explicit Connection(int port) : http{"127.0.0.1", port} {
    http.set_keep_alive(true);
    http.set_tcp_nodelay(true);
    http.set_read_timeout(20, 0);
  }
  httplib::Client http;
};

namespace {

Answer answer_of(const httplib::Result& result) {
  Answer answer;
  if (!result) return answer;
  answer.status = result->status;
  answer.text = result->body;
  answer.body = json::parse(result->body, nullptr, false);
  if (answer.body.is_discarded()) answer.body = nullptr;
  for (const auto& [name, value] : result->headers) answer.headers[name] = value;
  return answer;
}

CentralOptions options_for(const std::string& url, const ServingPolicy& policy, bool test_controls,
                           bool strict) {
  CentralOptions options;
  options.database_url = url;
  options.seed_file = bar_file();
  options.policy = policy;
  options.strict = strict;
  options.http.token = token;
  options.http.test_controls = test_controls;
  return options;
}

}  // namespace

Client::Client(int port, std::string sent_token)
    : connection_{std::make_unique<Connection>(port)}, token_{std::move(sent_token)} {}

Client::~Client() = default;
Client::Client(Client&& other) noexcept = default;

Answer Client::post_text(const std::string& path, const std::string& body) {
  return answer_of(connection_->http.Post(path.c_str(), {{"X-Internal-Token", token_}}, body,
                                          "application/json"));
}

Answer Client::post(const std::string& path, const json& body) {
  return post_text(path, body.dump());
}

Answer Client::get(const std::string& path, const Headers& headers) {
  httplib::Headers all{{"X-Internal-Token", token_}};
  for (const auto& header : headers) all.insert(header);
  return answer_of(connection_->http.Get(path.c_str(), all));
}

Answer Client::authorize(const char* card_uid, int tap_id) {
  return post("/api/visits/authorize-pour", json{{"card_uid", card_uid}, {"tap_id", tap_id}});
}

json Client::sync(const std::vector<json>& rows) {
  const Answer answer = post("/api/sync/pours", json{{"pours", rows}});
  return answer.status == 200 ? answer.body.at("results") : json{answer.status, answer.text};
}

test::PostgresCluster& shared_cluster() {
  // Without fsync: the tests crash servers, not the machine.
  static test::PostgresCluster cluster{{.fsync = false}};
  return cluster;
}

std::string new_schema_url() {
  static int number = 0;
  const std::string name = fmt::format("bar_{}", ++number);
  Connection connection{shared_cluster().url()};
  connection.run_script("CREATE SCHEMA " + name);
  return shared_cluster().url() + "?options=-csearch_path%3D" + name;
}

std::string bar_file() {
  return TAPD_CENTRAL_BAR_FILE;
}

Bar::Bar(const ServingPolicy& policy, bool test_controls, bool strict)
    : url_{new_schema_url()},
      server_{options_for(url_, policy, test_controls, strict)},
      client_{server_.port()},
      database_{url_} {}

std::int64_t Bar::balance_of(const char* guest_id) {
  return database_.run("SELECT (balance * 100)::bigint FROM guests WHERE guest_id = $1", {guest_id})
      .integer(0, 0);
}

std::int64_t Bar::pour_count() {
  return database_.run("SELECT count(*) FROM pours").integer(0, 0);
}

json Bar::notes_of(const std::string& client_tx_id) {
  const Rows rows = database_.run(
      "SELECT details FROM audit_logs WHERE action = 'book_pour'"
      " AND details::jsonb ->> 'client_tx_id' = $1",
      {client_tx_id});
  return rows.count() == 1 ? json::parse(rows.text(0, 0)).at("notes") : json(rows.count());
}

json pour_row(const std::string& id, const char* card_uid, int tap_id, std::int64_t volume_ml,
              std::int64_t cents_per_litre) {
  const std::int64_t thousandths = volume_ml * cents_per_litre;
  const std::int64_t cents = thousandths / 1000 + (thousandths % 1000 >= 500 ? 1 : 0);
  return {{"client_tx_id", id},
          {"short_id", "AB12CD34"},
          {"card_uid", card_uid},
          {"tap_id", tap_id},
          {"duration_ms", 5000},
          {"volume_ml", volume_ml},
          {"tail_volume_ml", 0},
          {"price_cents", cents},
          {"start_ts", "2026-11-21T10:00:00.000Z"},
          {"end_ts", "2026-11-21T10:00:05.250Z"},
          {"price_per_ml_at_pour", fmt::format("0.{:05}", cents_per_litre)},
          {"authorized_by", "cache"},
          {"stop_reason", "card_removed"},
          {"pulses", volume_ml * 5},
          {"edges_lost", 0}};
}

std::string verdict(const json& result) {
  return result.at("status").get<std::string>() + "/" + result.at("outcome").get<std::string>();
}

}  // namespace tapd::central
