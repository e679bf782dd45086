#include "tests/sync/bad_answers.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sync/wire.hpp"
#include "tests/sync/samples.hpp"

namespace tapd::sync::test {
namespace {

using nlohmann::json;

constexpr std::size_t longest_reason = 400;
constexpr const char* place_holder = "@@@";

const std::string changes = endpoint::snapshot("bar-1") + "?since=41";
constexpr std::int64_t since = 41;

json good_changes() {
  json all = sample_snapshot();
  all["since"] = since;
  all["gone"] = {{"beverages", {guest_uuid(201)}},
                 {"kegs", {guest_uuid(101)}},
                 {"taps", {2}},
                 {"guests", {guest_uuid(2)}},
                 {"cards", {"04ab7815cd6b81"}}};
  return all;
}

json good_leave() {
  return {{"allowed", true},
          {"visit", {{"visit_id", guest_uuid(9)}, {"guest_id", guest_uuid(1)}}},
          {"guest_first_name", "Anna"},
          {"min_start_ml", 20},
          {"max_volume_ml", 1000},
          {"price_per_ml_cents", 2},
          {"price_per_litre_cents", 1290},
          {"balance_cents", 3002},
          {"allowed_overdraft_cents", 0},
          {"safety_ml", 2},
          {"lock_set_at", "2026-11-21T10:00:00Z"}};
}

json good_results() {
  return {{"results",
           {{{"client_tx_id", tx(1).text()},
             {"status", "accepted"},
             {"outcome", "charged"},
             {"reason", nullptr}},
            {{"client_tx_id", tx(2).text()},
             {"status", "rejected"},
             {"outcome", "rejected_tap_or_keg_state"},
             {"reason", "tap has no keg"}}}}};
}

// Raw JSON, or what only looks like it.
std::vector<std::string> bad_values() {
  return {"null",
          "true",
          "-1",
          "0",
          "1.5",
          "1e400",
          "-1e400",
          "9223372036854775807",
          "-9223372036854775808",
          "18446744073709551616",
          std::string(1'000, '9'),
          "NaN",
          "Infinity",
          "\"NaN\"",
          "\"-0\"",
          "\"1e9\"",
          "\"\"",
          "\"" + std::string(10'000, 'x') + "\"",
          "\"a\\u0000b\"",
          "\"\\ud800\"",
          "\"\xff\xfe\"",
          "\"\xc3\"",
          "[]",
          "{}",
          "[[1]]",
          "{\"a\": {\"b\": [1, 2]}}",
          std::string(100, '[') + std::string(100, ']'),
          std::string(100'000, '['),
          "\"unfinished"};
}

std::string put(const json& document, const json::json_pointer& place, const std::string& value) {
  json copy = document;
  copy[place] = place_holder;
  std::string text = copy.dump();
  const std::string mark = fmt::format("\"{}\"", place_holder);
  return text.replace(text.find(mark), mark.size(), value);
}

std::string without(const json& document, const json::json_pointer& place) {
  json copy = document;
  json& parent = copy[place.parent_pointer()];
  if (parent.is_array()) {
    parent.erase(static_cast<std::size_t>(std::stoul(place.back())));
  } else {
    parent.erase(place.back());
  }
  return copy.dump();
}

// Every value below `value`, lists and objects too.
void collect(const json& value, const json::json_pointer& place,
             std::vector<json::json_pointer>& places) {
  if (!place.empty()) places.push_back(place);
  if (value.is_object()) {
    for (const auto& [name, child] : value.items()) collect(child, place / name, places);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) collect(value[i], place / i, places);
  }
}

bool within(model::Money amount) {
  const auto cents = amount.minor_units();
  const auto most = model::largest_amount.minor_units();
  return cents >= -most && cents <= most;
}

std::string past_limits(const model::Snapshot& snapshot) {
  for (const auto& guest : snapshot.guests) {
    if (!within(guest.balance)) return "a balance past the books' limit";
  }
  return {};
}

std::string past_limits(const SnapshotAnswer& answer) {
  const auto* const whole = std::get_if<model::Snapshot>(&answer);
  return past_limits(whole ? *whole : std::get<model::SnapshotChanges>(answer).now);
}

std::string past_limits(const std::variant<Allowed, Refused>& leave) {
  const auto* const allowed = std::get_if<Allowed>(&leave);
  if (allowed == nullptr) return {};
  if (!within(allowed->balance)) return "a balance past the books' limit";
  if (allowed->most < model::Volume::millilitres(0)) return "a negative limit";
  return {};
}

template<typename Value>
std::string past_limits(const Value& /*value*/) {
  return {};
}

// What was read, for each endpoint alike.
struct Reading {
  std::optional<Unreadable> error;
  std::string wrong;
};

template<typename Value>
Reading reading(const Decoded<Value>& decoded) {
  if (!decoded) return {decoded.error(), {}};
  return {std::nullopt, past_limits(*decoded)};
}

Reading read(const std::string& where, std::string_view body) {
  if (where == endpoint::pours) return reading(decode_pours(body));
  if (where == endpoint::authorize) return reading(decode_authorize(body));
  if (where == endpoint::system_status) return reading(decode_system_status(body));
  if (where == endpoint::register_controller) return reading(decode_register(body));
  if (where == endpoint::flow_events) return reading(decode_flow_event(body));
  if (where == changes) return reading(decode_snapshot(body, since));
  return reading(decode_snapshot(body));
}

}  // namespace

std::vector<GoodAnswer> good_answers() {
  return {{endpoint::pours, good_results().dump()},
          {endpoint::authorize, good_leave().dump()},
          {endpoint::snapshot("bar-1"), sample_snapshot().dump()},
          {endpoint::system_status, R"({"emergency_stop": false, "value": "x", "taps": [1, 2]})"},
          {endpoint::register_controller, R"({"controller_id": "bar-1"})"},
          {endpoint::flow_events, R"({"accepted": true})"},
          {changes, good_changes().dump()}};
}

std::vector<BadAnswer> spoilt_fields(const std::string& body) {
  const json document = json::parse(body);
  std::vector<json::json_pointer> places;
  collect(document, json::json_pointer{}, places);
  std::vector<BadAnswer> all;
  for (const auto& place : places) {
    all.push_back({place.to_string() + " missing", without(document, place)});
    for (const std::string& value : bad_values()) {
      all.push_back({place.to_string() + " = " + value.substr(0, 30), put(document, place, value)});
    }
  }
  return all;
}

std::vector<BadAnswer> not_answers() {
  std::vector<BadAnswer> all{
      {"nothing", ""},
      {"a portal", "<html><body>Welcome to the hotel's network, please log in</body></html>"},
      {"a portal in UTF-16", std::string("\xff\xfe<\0h\0t\0m\0l\0>\0", 14)},
      {"bytes", std::string("\0\1\2\3\xff", 5)},
      {"a text", "\"OK\""},
      {"a number", "200"},
      {"two documents", "{} {}"},
      {"a comment", "{/* hello */}"},
      {"deep lists", std::string(1'000'000, '[')},
      {"an endless text", "{\"a\": \"" + std::string(2'000'000, 'x')},
  };
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  all.push_back({"deep objects", deep});
  return all;
}

std::string wrong_reading(const std::string& where, std::string_view body) {
  const Reading found = read(where, body);
  if (!found.error) return found.wrong;
  const Unreadable& error = *found.error;
  if (!error.endpoint.starts_with("/api/")) return "no endpoint";
  if (error.why.empty()) return "no reason";
  if (error.why.size() > longest_reason) return "an endless reason";
  const bool printable =
      std::all_of(error.why.begin(), error.why.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return printable ? "" : "a reason that no terminal should see";
}

bool is_readable(const std::string& where, std::string_view body) {
  return !read(where, body).error;
}

}  // namespace tapd::sync::test
