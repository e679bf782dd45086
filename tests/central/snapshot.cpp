#include "tests/central/snapshot.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

namespace tapd::central {
namespace {

using nlohmann::ordered_json;

ordered_json text_or_null(const Rows& rows, int row, int column) {
  const auto text = rows.optional_text(row, column);
  return text ? ordered_json(*text) : ordered_json(nullptr);
}

/// One JSON object for each row of a query.
template<typename MakeObject>
ordered_json list_of(Connection& connection, const char* sql, MakeObject make_object) {
  const Rows rows = connection.run(sql);
  ordered_json list = ordered_json::array();
  for (int row = 0; row < rows.count(); ++row) list.push_back(make_object(rows, row));
  return list;
}

ordered_json system_states(Connection& connection) {
  const Rows rows = connection.run("SELECT key, value FROM system_states ORDER BY key");
  ordered_json states = ordered_json::object();
  for (int row = 0; row < rows.count(); ++row) states[rows.text(row, 0)] = rows.text(row, 1);
  return states;
}

ordered_json beverages(Connection& connection) {
  return list_of(
      connection,
      "SELECT beverage_id, name, brewery, style, abv, sell_price_per_liter"
      " FROM beverages ORDER BY beverage_id",
      [](const Rows& rows, int row) {
        return ordered_json{
            {"beverage_id", rows.text(row, 0)},      {"name", rows.text(row, 1)},
            {"brewery", text_or_null(rows, row, 2)}, {"style", text_or_null(rows, row, 3)},
            {"abv", text_or_null(rows, row, 4)},     {"sell_price_per_liter", rows.text(row, 5)}};
      });
}

ordered_json kegs(Connection& connection) {
  return list_of(connection,
                 "SELECT keg_id, beverage_id, initial_volume_ml, current_volume_ml, status"
                 " FROM kegs ORDER BY keg_id",
                 [](const Rows& rows, int row) {
                   return ordered_json{{"keg_id", rows.text(row, 0)},
                                       {"beverage_id", rows.text(row, 1)},
                                       {"initial_volume_ml", rows.integer(row, 2)},
                                       {"current_volume_ml", rows.integer(row, 3)},
                                       {"status", rows.text(row, 4)}};
                 });
}

ordered_json taps(Connection& connection) {
  return list_of(connection,
                 "SELECT tap_id, keg_id, display_name, status FROM taps ORDER BY tap_id",
                 [](const Rows& rows, int row) {
                   return ordered_json{{"tap_id", rows.integer(row, 0)},
                                       {"keg_id", text_or_null(rows, row, 1)},
                                       {"display_name", rows.text(row, 2)},
                                       {"status", rows.text(row, 3)}};
                 });
}

ordered_json guests(Connection& connection) {
  return list_of(connection,
                 "SELECT guest_id, first_name, (balance * 100)::bigint, is_active"
                 " FROM guests ORDER BY guest_id",
                 [](const Rows& rows, int row) {
                   return ordered_json{{"guest_id", rows.text(row, 0)},
                                       {"first_name", rows.text(row, 1)},
                                       {"balance_cents", rows.integer(row, 2)},
                                       {"is_active", rows.boolean(row, 3)}};
                 });
}

ordered_json cards(Connection& connection) {
  return list_of(connection, "SELECT card_uid, guest_id, status FROM cards ORDER BY card_uid",
                 [](const Rows& rows, int row) {
                   return ordered_json{{"card_uid", rows.text(row, 0)},
                                       {"guest_id", text_or_null(rows, row, 1)},
                                       {"status", rows.text(row, 2)}};
                 });
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

Reply take_snapshot(Connection& connection, const std::string& if_none_match) {
  const Transaction one_moment{connection, Isolation::repeatable_snapshot};
  const Rows venue = connection.run(
      "SELECT revision, installation_id, currency_code, minor_digits,"
      "       to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM venue");
  const std::int64_t revision = venue.integer(0, 0);
  const std::string etag = fmt::format("\"{}-{}\"", venue.text(0, 1).substr(0, 8), revision);
  if (matches_etag(if_none_match, etag)) return {.status = 304, .body = {}, .etag = etag};
  Reply reply = json_reply(
      200, {{"revision", revision},
            {"generated_at", venue.text(0, 4)},
            {"currency", {{"code", venue.text(0, 2)}, {"minor_digits", venue.integer(0, 3)}}},
            {"system_states", system_states(connection)},
            {"beverages", beverages(connection)},
            {"kegs", kegs(connection)},
            {"taps", taps(connection)},
            {"guests", guests(connection)},
            {"cards", cards(connection)}});
  reply.etag = etag;
  return reply;
}

}  // namespace tapd::central
