#include "told_snapshots.hpp"

#include <array>

namespace tapd::simulation {
namespace {

using nlohmann::json;

constexpr std::size_t most_remembered = 20;

struct List {
  const char* name;
  const char* key;
};

constexpr std::array lists{List{"beverages", "beverage_id"}, List{"kegs", "keg_id"},
                           List{"taps", "tap_id"}, List{"guests", "guest_id"},
                           List{"cards", "card_uid"}};

std::map<json, json> by_key(const json& whole, const List& list) {
  std::map<json, json> rows;
  for (const json& row : whole.at(list.name)) rows.emplace(row.at(list.key), row);
  return rows;
}

}  // namespace

void ToldSnapshots::note(std::int64_t revision, const json& whole) {
  told_.insert_or_assign(revision, whole);
  if (told_.size() > most_remembered) told_.erase(told_.begin());
}

std::optional<json> ToldSnapshots::changes(std::int64_t since, const json& whole) const {
  const auto then = told_.find(since);
  if (then == told_.end()) return {};
  json changes = whole;
  changes["since"] = since;
  changes["gone"] = json::object();
  for (const List& list : lists) {
    const auto before = by_key(then->second, list);
    const auto after = by_key(whole, list);
    json rows = json::array();
    json gone = json::array();
    for (const auto& [key, row] : after) {
      const auto known = before.find(key);
      if (known == before.end() || known->second != row) rows.push_back(row);
    }
    for (const auto& [key, row] : before) {
      if (!after.contains(key)) gone.push_back(key);
    }
    changes[list.name] = std::move(rows);
    changes["gone"][list.name] = std::move(gone);
  }
  return changes;
}

}  // namespace tapd::simulation
