#include "tests/central/snapshot.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace tapd::central {
namespace {

using nlohmann::ordered_json;

ordered_json text_or_null(const Rows& rows, int row, int column) {
  const auto text = rows.optional_text(row, column);
  return text ? ordered_json(*text) : ordered_json(nullptr);
}

ordered_json system_states(Connection& connection) {
  const Rows rows = connection.run("SELECT key, value FROM system_states ORDER BY key");
  ordered_json states = ordered_json::object();
  for (int row = 0; row < rows.count(); ++row) states[rows.text(row, 0)] = rows.text(row, 1);
  return states;
}

ordered_json beverage(const Rows& rows, int row) {
  return {{"beverage_id", rows.text(row, 0)},      {"name", rows.text(row, 1)},
          {"brewery", text_or_null(rows, row, 2)}, {"style", text_or_null(rows, row, 3)},
          {"abv", text_or_null(rows, row, 4)},     {"sell_price_per_liter", rows.text(row, 5)}};
}

ordered_json keg(const Rows& rows, int row) {
  return {{"keg_id", rows.text(row, 0)},
          {"beverage_id", rows.text(row, 1)},
          {"initial_volume_ml", rows.integer(row, 2)},
          {"current_volume_ml", rows.integer(row, 3)},
          {"status", rows.text(row, 4)}};
}

ordered_json tap(const Rows& rows, int row) {
  return {{"tap_id", rows.integer(row, 0)},
          {"keg_id", text_or_null(rows, row, 1)},
          {"display_name", rows.text(row, 2)},
          {"status", rows.text(row, 3)}};
}

ordered_json guest(const Rows& rows, int row) {
  return {{"guest_id", rows.text(row, 0)},
          {"first_name", rows.text(row, 1)},
          {"balance_cents", rows.integer(row, 2)},
          {"is_active", rows.boolean(row, 3)}};
}

ordered_json card(const Rows& rows, int row) {
  return {{"card_uid", rows.text(row, 0)},
          {"guest_id", text_or_null(rows, row, 1)},
          {"status", rows.text(row, 2)}};
}

/// A list of the snapshot: its table, whose key comes first among the columns.
struct List {
  const char* name;
  const char* key;
  const char* key_type;
  const char* columns;
  ordered_json (*object)(const Rows&, int);
};

constexpr std::array<List, 5> lists{
    {{"beverages", "beverage_id", "uuid",
      "beverage_id, name, brewery, style, abv, sell_price_per_liter", beverage},
     {"kegs", "keg_id", "uuid", "keg_id, beverage_id, initial_volume_ml, current_volume_ml, status",
      keg},
     {"taps", "tap_id", "integer", "tap_id, keg_id, display_name, status", tap},
     {"guests", "guest_id", "uuid", "guest_id, first_name, (balance * 100)::bigint, is_active",
      guest},
     {"cards", "card_uid", "text", "card_uid, guest_id, status", card}}};

ordered_json objects_of(const List& list, const Rows& rows) {
  ordered_json objects = ordered_json::array();
  for (int row = 0; row < rows.count(); ++row) objects.push_back(list.object(rows, row));
  return objects;
}

ordered_json all_of(Connection& connection, const List& list) {
  return objects_of(
      list,
      connection.run(
          fmt::format("SELECT {} FROM {} ORDER BY {}", list.columns, list.name, list.key).c_str()));
}

/// What changed in a list after a revision and is there now.
ordered_json changed_of(Connection& connection, const List& list, std::int64_t since) {
  const Rows rows = connection.run(
      fmt::format("SELECT {} FROM {} WHERE {} IN (SELECT key::{} FROM changes"
                  " WHERE entity = '{}' AND revision > $1) ORDER BY {}",
                  list.columns, list.name, list.key, list.key_type, list.name, list.key)
          .c_str(),
      {since});
  return objects_of(list, rows);
}

/// What changed in a list after a revision and is no longer there.
ordered_json gone_of(Connection& connection, const List& list, std::int64_t since) {
  const Rows rows = connection.run(
      fmt::format("SELECT key::{0} FROM changes WHERE entity = '{1}' AND revision > $1"
                  " AND NOT EXISTS (SELECT 1 FROM {1} WHERE {2} = key::{0}) ORDER BY key",
                  list.key_type, list.name, list.key)
          .c_str(),
      {since});
  const bool numbered = std::string_view{list.key_type} == "integer";
  ordered_json keys = ordered_json::array();
  for (int row = 0; row < rows.count(); ++row) {
    keys.push_back(numbered ? ordered_json(rows.integer(row, 0)) : ordered_json(rows.text(row, 0)));
  }
  return keys;
}

/// The `venue` row as a snapshot shows it.
struct Now {
  std::int64_t revision;
  std::int64_t known_since;
  std::string installation;
  std::string generated_at;
  ordered_json currency;

  [[nodiscard]] std::string etag(std::int64_t of) const {
    return fmt::format("\"{}-{}\"", installation.substr(0, 8), of);
  }
};

Now now_of(Connection& connection) {
  const Rows venue = connection.run(
      "SELECT revision, installation_id, currency_code, minor_digits,"
      " to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
      " GREATEST(changes_known_since, revision - changes_kept()) FROM venue");
  return {.revision = venue.integer(0, 0),
          .known_since = venue.integer(0, 5),
          .installation = venue.text(0, 1),
          .generated_at = venue.text(0, 4),
          .currency = {{"code", venue.text(0, 2)}, {"minor_digits", venue.integer(0, 3)}}};
}

/// The revision whose changes can be told; none: the whole is to be told.
std::optional<std::int64_t> known(const Now& now, const SnapshotAsk& ask) {
  std::int64_t since = 0;
  const char* const end = ask.since.data() + ask.since.size();
  const auto [stop, error] = std::from_chars(ask.since.data(), end, since);
  if (error != std::errc{} || stop != end) return std::nullopt;
  if (since < now.known_since || since > now.revision) return std::nullopt;
  if (!matches_etag(ask.if_none_match, now.etag(since))) return std::nullopt;
  return since;
}

}  // namespace

bool matches_etag(const std::string& if_none_match, const std::string& etag) {
  std::string_view rest = if_none_match;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    std::string_view item = rest.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    // A proxy that compresses weakens the tag; for a GET the two compare equal.
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == "*" || item == etag) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

Reply take_snapshot(Connection& connection, const SnapshotAsk& ask) {
  const Transaction one_moment{connection, Isolation::repeatable_snapshot};
  const Now now = now_of(connection);
  const std::string etag = now.etag(now.revision);
  if (matches_etag(ask.if_none_match, etag)) return {.status = 304, .body = {}, .etag = etag};
  ordered_json body{{"revision", now.revision},
                    {"generated_at", now.generated_at},
                    {"currency", now.currency},
                    {"system_states", system_states(connection)}};
  const auto since = known(now, ask);
  if (since) body["since"] = *since;
  for (const List& list : lists) {
    body[list.name] = since ? changed_of(connection, list, *since) : all_of(connection, list);
    if (since) body["gone"][list.name] = gone_of(connection, list, *since);
  }
  Reply reply = json_reply(200, body);
  reply.etag = etag;
  return reply;
}

}  // namespace tapd::central
