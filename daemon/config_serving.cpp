#include "daemon/config_serving.hpp"

#include <fmt/format.h>

namespace tapd {
namespace {

constexpr std::int64_t most_ml = 100'000;

std::optional<model::Volume> volume(TomlTable& table, std::string_view key) {
  if (!table.has(key)) return std::nullopt;
  return model::Volume::millilitres(table.whole(key, most_ml, {10, most_ml}));
}

ServingLimit read_limit(TomlTable& table) {
  constexpr std::int64_t minutes_a_day = 1'440;
  ServingLimit limit;
  limit.styles = table.texts("styles");
  limit.per_pour = volume(table, "per_pour_ml");
  limit.in_window = volume(table, "window_ml");
  limit.window = std::chrono::minutes{table.whole("window_min", 0, {0, minutes_a_day})};
  if (!limit.per_pour && !limit.in_window) {
    table.fault("per_pour_ml", "is missing: write it, or window_ml and window_min, or all three");
  }
  if (limit.in_window.has_value() != (limit.window.count() > 0)) {
    table.fault(limit.in_window ? "window_min" : "window_ml",
                "is missing: a window needs its length and its volume");
  }
  table.refuse_unknown_keys();
  return limit;
}

}  // namespace

void read_serving(TomlTable& policy, PolicyRules& rules) {
  constexpr std::size_t most_limits = 32;
  for (TomlTable& table : policy.tables("serving_limit")) {
    rules.serving_limits.push_back(read_limit(table));
  }
  if (rules.serving_limits.size() > most_limits) {
    policy.fault("serving_limit", fmt::format("is written {} times, but {} are the most",
                                              rules.serving_limits.size(), most_limits));
  }
  for (const std::string& text : policy.texts("service_cards")) {
    const auto uid = model::CardUid::parse(text);
    if (uid) {
      rules.service_cards.push_back(*uid);
    } else {
      policy.fault("service_cards", uid.error());
    }
  }
  for (std::string& guest : policy.texts("staff_guests")) {
    if (guest.find_first_of(" \t\r\n") != std::string::npos) {
      policy.fault("staff_guests", fmt::format("\"{}\" has a blank in it", guest));
    }
    rules.staff_guests.emplace_back(std::move(guest));
  }
  rules.lift_for = std::chrono::seconds{policy.whole("lift_s", 30, {5, 300})};
}

}  // namespace tapd
