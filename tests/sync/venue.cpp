#include "tests/sync/venue.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sync/wire.hpp"
#include "tests/sync/samples.hpp"

namespace tapd::sync::test {
namespace {

using nlohmann::json;

HttpResponse reply(int status, const json& body) {
  return {status, {{"content-type", "application/json"}}, body.dump()};
}

json result(const json& row, const char* status, const std::string& outcome) {
  return {{"client_tx_id", row.at("client_tx_id")},
          {"status", status},
          {"outcome", outcome},
          {"reason", "as the test wants"}};
}

/// The snapshot `after` as changes from `before`.
json changes_between(const json& before, json after) {
  constexpr std::array<std::pair<const char*, const char*>, 5> lists{{{"beverages", "beverage_id"},
                                                                      {"kegs", "keg_id"},
                                                                      {"taps", "tap_id"},
                                                                      {"guests", "guest_id"},
                                                                      {"cards", "card_uid"}}};
  json gone = json::object();
  for (const auto& [list, id] : lists) {
    std::map<json, json> rows;
    for (const json& row : before.at(list)) rows[row.at(id)] = row;
    json put = json::array();
    for (const json& row : after.at(list)) {
      const auto known = rows.extract(row.at(id));
      if (known.empty() || known.mapped() != row) put.push_back(row);
    }
    gone[list] = json::array();
    for (const auto& [key, row] : rows) gone[list].push_back(key);
    after[list] = put;
  }
  after["since"] = before.at("revision");
  after["gone"] = gone;
  return after;
}

}  // namespace

void Venue::add_guest(std::uint64_t number, std::int64_t balance) {
  balances[guest_uuid(number)] = balance;
  cards_[card(number).text()] = guest_uuid(number);
  ++revision_;
}

void Venue::hand_on(std::uint64_t card_number, std::uint64_t guest) {
  cards_[card(card_number).text()] = guest_uuid(guest);
  ++revision_;
}

void Venue::change_balance(std::uint64_t number, std::int64_t by) {
  balances.at(guest_uuid(number)) += by;
  ++revision_;
}

HttpResponse Venue::answer(const HttpRequest& request) {
  ++requests[request.path];
  const auto said = request.headers.find("X-Internal-Token");
  const bool known = said != request.headers.end() && said->second == token;
  if (request.path == endpoint::system_status) {
    if (status_status != 0) return {status_status, {}, ""};
    return reply(200,
                 {{"emergency_stop", emergency_stop}, {"value", "x"}, {"taps", json::array()}});
  }
  if (!known) return reply(401, {{"detail", "Invalid token"}});
  if (request.path == endpoint::pours) return pours(request);
  if (request.path == endpoint::authorize) return authorize(request);
  if (request.path == endpoint::flow_events) return flow_event(request);
  if (request.path == endpoint::register_controller) {
    if (register_status != 0) return {register_status, {}, ""};
    versions.push_back(json::parse(request.body).at("firmware_version"));
    return reply(200, {{"controller_id", "bar-1"}});
  }
  return snapshot(request);
}

HttpResponse Venue::pours(const HttpRequest& request) {
  if (pours_status != 0) return {pours_status, {}, "Internal Server Error"};
  const json rows = json::parse(request.body).at("pours");
  for (const json& row : rows) {
    const auto found = poison.find(row.at("client_tx_id"));
    if (found == poison.end() || found->second.whole_status == 0) continue;
    return {found->second.whole_status, {}, "Internal Server Error"};
  }
  json results = json::array();
  for (const json& row : rows) {
    // The rows before it are booked, and nobody hears of it.
    if (is_locked_elsewhere(row)) return reply(409, {{"detail", "Visit is locked"}});
    results.push_back(judge(row));
  }
  return reply(200, {{"results", results}});
}

bool Venue::has_recorded(const HttpRequest& request) const {
  if (request.path != endpoint::pours) return true;
  const json rows = json::parse(request.body).at("pours");
  return std::all_of(rows.begin(), rows.end(), [this](const json& row) {
    const std::string id = row.at("client_tx_id");
    return booked.contains(id) || turned_down_.contains(id);
  });
}

bool Venue::is_locked_elsewhere(const json& row) const {
  const std::string id = row.at("client_tx_id");
  const auto lock = locks.find(row.at("card_uid").get<std::string>());
  return demands_leave && lock != locks.end() && lock->second != row.at("tap_id") &&
         !booked.contains(id) && !turned_down_.contains(id);
}

// In the order of the existing server: an id that it has recorded is answered before anything else
// is looked at, and a row that it does not record leaves the authorization as it is.
nlohmann::json Venue::judge(const json& row) {
  const std::string id = row.at("client_tx_id");
  const bool empty = row.at("volume_ml") == 0;
  if (empty) releases.push_back(id);
  if (const auto before = booked.find(id); before != booked.end()) {
    ++before->second.times_sent;
    if (!before->second.content.empty() && before->second.content != content_of(row)) {
      objection_ = fmt::format("{} was booked as {} and comes as {}", id, before->second.content,
                               content_of(row));
    }
    return result(row, "accepted", "duplicate_existing");
  }
  if (turned_down_.contains(id)) return result(row, "rejected", "duplicate_existing_rejected");
  const auto lock = locks.find(row.at("card_uid").get<std::string>());
  const bool live = lock != locks.end() && lock->second == row.at("tap_id");
  if (demands_leave && !live) {
    if (!empty) noted.push_back(id);
    return result(row, "audit_only", "no_live_authorization");
  }
  Poison& spoilt = poison[id];
  if (spoilt.rejections > 0) {
    --spoilt.rejections;
    return result(row, "rejected", "rejected_tap_or_keg_state");
  }
  if (!spoilt.outcome.empty()) return result(row, "rejected", spoilt.outcome);
  if (live) locks.erase(lock);
  if (empty) {
    if (live) turned_down_.insert(id);
    return result(row, "rejected", "rejected_zero_volume");
  }
  book(row);
  return result(row, "accepted", "booked");
}

// What the reference server compares. The existing one does not, and is told a tail by the guest's
// limit of the moment.
std::string Venue::content_of(const json& row) const {
  json content;
  for (const char* field : {"card_uid", "tap_id", "guest_id", "volume_ml", "price_cents",
                            "price_per_ml_at_pour", "duration_ms", "short_id"}) {
    content[field] = row.at(field);
  }
  if (!demands_leave) content["tail_volume_ml"] = row.at("tail_volume_ml");
  return content.dump();
}

void Venue::book(const json& row) {
  Booking& booking = booked[row.at("client_tx_id")];
  booking.times_sent = 1;
  booking.price = row.at("price_cents");
  booking.volume = row.at("volume_ml");
  booking.tail = row.at("tail_volume_ml");
  booking.guest = row.at("guest_id");
  booking.content = content_of(row);
  balances[booking.guest] -= booking.price;
  ++revision_;
}

HttpResponse Venue::flow_event(const HttpRequest& request) {
  const json event = json::parse(request.body);
  if (flow_status != 0) return reply(flow_status, {{"detail", "as the test wants"}});
  if (event.at("event_id") == flow_poison) return reply(500, {{"detail", "as the test wants"}});
  flow_events.push_back(fmt::format("{} {} {}", event.at("event_id").get<std::string>(),
                                    event.at("event_status").get<std::string>(),
                                    event.at("volume_ml").get<int>()));
  return reply(200, {{"accepted", true}});
}

HttpResponse Venue::authorize(const HttpRequest& request) {
  const std::string uid = json::parse(request.body).at("card_uid");
  if (const auto found = no_leave.find(uid); found != no_leave.end()) {
    return {found->second, {}, "Internal Server Error"};
  }
  if (const auto found = denied.find(uid); found != denied.end()) {
    return reply(403, {{"detail", {{"reason", found->second}, {"message", "no"}}}});
  }
  const auto guest = cards_.find(uid);
  if (guest == cards_.end()) {
    return reply(409, {{"detail", {{"reason", "no_active_visit"}, {"message", "no"}}}});
  }
  const auto lock = locks.find(uid);
  const std::int64_t tap = json::parse(request.body).at("tap_id");
  if ((demands_leave || locks_cards) && lock != locks.end() && lock->second != tap) {
    return reply(409, {{"detail", {{"reason", "card_in_use_on_other_tap"}, {"message", "no"}}}});
  }
  locks[uid] = tap;
  return reply(200, {{"allowed", true},
                     {"visit", {{"guest_id", guest->second}}},
                     {"guest_first_name", "Anna"},
                     {"min_start_ml", 20},
                     {"max_volume_ml", 1000},
                     {"price_per_ml_cents", 2},
                     {"balance_cents", balances.at(guest->second)},
                     {"safety_ml", 2},
                     {"price_per_litre_cents", 1290}});
}

HttpResponse Venue::snapshot(const HttpRequest& request) {
  if (snapshot_status != 0) return {snapshot_status, {}, ""};
  if (!has_snapshot) return reply(404, {{"detail", "Not Found"}});
  const std::string etag = fmt::format("\"{}{}\"", revision_, emergency_stop ? "s" : "");
  const auto known = request.headers.find("If-None-Match");
  if (!request.query.empty()) ++since_asked;
  if (since_status != 0 && !request.query.empty()) return {since_status, {}, ""};
  if (known != request.headers.end() && known->second == etag) return {304, {{"etag", etag}}, ""};
  const json whole = snapshot_body();
  told_[etag] = whole.dump();
  if (knows_since && !request.query.empty() && told_.contains(known->second)) {
    const json before = json::parse(told_.at(known->second));
    if (request.query == fmt::format("since={}", before.at("revision").get<std::int64_t>())) {
      ++changes_told;
      json changes = changes_between(before, whole);
      if (since_says != 0) changes["since"] = since_says;
      return {200, {{"etag", etag}}, changes.dump()};
    }
  }
  return {200, {{"etag", etag}}, whole.dump()};
}

json Venue::snapshot_body() const {
  json guests = json::array();
  for (const auto& [id, balance] : balances) {
    guests.push_back({{"guest_id", id},
                      {"first_name", "Anna"},
                      {"balance_cents", balance},
                      {"is_active", true}});
  }
  json all_cards = json::array();
  for (const auto& [uid, guest] : cards_) {
    all_cards.push_back({{"card_uid", uid}, {"guest_id", guest}, {"status", "active"}});
  }
  return json{{"revision", revision_},
              {"generated_at", "2026-11-21T10:00:00Z"},
              {"currency", {{"code", "EUR"}, {"minor_digits", 2}}},
              {"system_states", {{"emergency_stop_enabled", emergency_stop ? "true" : "false"}}},
              {"beverages", json::array()},
              {"kegs", json::array()},
              {"taps", json::array()},
              {"guests", guests},
              {"cards", all_cards}};
}

}  // namespace tapd::sync::test
