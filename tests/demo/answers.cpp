#include "tests/demo/answers.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace tapd::demo {
namespace {

using nlohmann::json;

TapStatus read_tap(const json& tap) {
  return {.tap = tap.at("tap_id").get<std::int64_t>(),
          .state = tap.at("state").get<std::string>(),
          .reason = tap.at("reason").get<std::string>(),
          .valve_open = tap.at("valve_open").get<bool>(),
          .guest = tap.value("guest", ""),
          .beverage = tap.value("beverage", ""),
          .receipt = tap.value("receipt", ""),
          .authorized_by = tap.value("authorized_by", ""),
          .limit_ml = tap.value("limit_ml", std::int64_t{0}),
          .volume_ml = tap.value("volume_ml", std::int64_t{0}),
          .price_cents = tap.value("price_cents", std::int64_t{0})};
}

QueueStatus read_queue(const json& queue) {
  return {.open = queue.at("open").get<std::int64_t>(),
          .waiting = queue.at("waiting").get<std::int64_t>(),
          .failed = queue.at("failed").get<std::int64_t>(),
          .confirmed = queue.at("confirmed").get<std::int64_t>(),
          .owed_cents = queue.at("owed_cents").get<std::int64_t>()};
}

PourRecord read_pour(const json& pour) {
  return {.client_tx_id = pour.at("client_tx_id").get<std::string>(),
          .receipt = pour.at("receipt").get<std::string>(),
          .tap = pour.at("tap_id").get<std::int64_t>(),
          .guest_id = pour.at("guest_id").get<std::string>(),
          .volume_ml = pour.at("volume_ml").get<std::int64_t>(),
          .price_cents = pour.at("price_cents").get<std::int64_t>(),
          .stop_reason = pour.at("stop_reason").get<std::string>(),
          .authorized_by = pour.at("authorized_by").get<std::string>(),
          .status = pour.at("status").get<std::string>()};
}

template<typename Read>
auto read_answer(const std::string& body, const char* path, Read read)
    -> tl::expected<decltype(read(json{})), std::string> {
  try {
    return read(json::parse(body));
  } catch (const json::exception& error) {
    return tl::unexpected{
        fmt::format("tapd's answer to GET {} cannot be read: {}", path, error.what())};
  }
}

}  // namespace

tl::expected<Status, std::string> parse_status(const std::string& body) {
  return read_answer(body, "/status", [](const json& answer) {
    Status status;
    for (const json& tap : answer.at("taps")) status.taps.push_back(read_tap(tap));
    status.queue = read_queue(answer.at("queue"));
    status.server_reachable = answer.at("server_reachable").get<bool>();
    return status;
  });
}

tl::expected<std::vector<PourRecord>, std::string> parse_pours(const std::string& body) {
  return read_answer(body, "/pours", [](const json& answer) {
    std::vector<PourRecord> pours;
    for (const json& pour : answer.at("pours")) pours.push_back(read_pour(pour));
    return pours;
  });
}

}  // namespace tapd::demo
