#include "tests/conformance/snapshot_rows.hpp"

#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tapd::conformance {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<const char*, const char*>, 5> lists{{{"beverages", "beverage_id"},
                                                                    {"kegs", "keg_id"},
                                                                    {"taps", "tap_id"},
                                                                    {"guests", "guest_id"},
                                                                    {"cards", "card_uid"}}};

using Keyed = std::map<json, json>;

void put(Keyed& rows, const json& list, const char* id) {
  for (const json& row : list) rows[row.at(id)] = row;
}

}  // namespace

std::string difference(const std::string& before, const std::string& changes,
                       const std::string& after) {
  const json first = json::parse(before);
  const json news = json::parse(changes);
  const json last = json::parse(after);
  for (const auto& [list, id] : lists) {
    Keyed made;
    put(made, first.at(list), id);
    put(made, news.at(list), id);
    for (const json& gone : news.at("gone").at(list)) made.erase(gone);
    Keyed whole;
    put(whole, last.at(list), id);
    for (const auto& [key, row] : whole) {
      if (!made.contains(key)) return fmt::format("{} lack {}", list, key.dump());
      if (made.at(key) != row) return fmt::format("{} {} is otherwise", list, key.dump());
    }
    if (made.size() > whole.size()) return fmt::format("{} hold one that is gone", list);
  }
  if (news.at("system_states") != last.at("system_states")) return "the system states differ";
  return {};
}

}  // namespace tapd::conformance
