#include "tests/demo/cast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tapd::demo {
namespace {

using nlohmann::json;

std::map<std::string, json> by_id(const json& list, const char* id) {
  std::map<std::string, json> found;
  for (const json& entry : list) found[entry.at(id).get<std::string>()] = entry;
  return found;
}

std::vector<CastGuest> read_guests(const json& bar) {
  std::vector<CastGuest> guests;
  for (const json& entry : bar.at("guests")) {
    guests.push_back({.id = entry.at("guest_id").get<std::string>(),
                      .name = entry.at("first_name").get<std::string>(),
                      .cards = {}});
  }
  for (const json& card : bar.at("cards")) {
    if (card.at("guest_id").is_null()) continue;
    for (CastGuest& guest : guests) {
      if (card.at("guest_id") == guest.id) guest.cards.push_back(card.at("card_uid"));
    }
  }
  return guests;
}

std::vector<CastTap> read_taps(const json& bar) {
  const auto kegs = by_id(bar.at("kegs"), "keg_id");
  const auto beverages = by_id(bar.at("beverages"), "beverage_id");
  std::vector<CastTap> taps;
  for (const json& entry : bar.at("taps")) {
    const json& keg = kegs.at(entry.at("keg_id"));
    const json& beverage = beverages.at(keg.at("beverage_id"));
    taps.push_back({.number = entry.at("tap_id").get<std::int64_t>(),
                    .beverage = beverage.at("name").get<std::string>(),
                    .litre_price = beverage.at("sell_price_per_liter").get<std::string>(),
                    .keg_ml = keg.at("current_volume_ml").get<std::int64_t>()});
  }
  std::sort(taps.begin(), taps.end(),
            [](const CastTap& a, const CastTap& b) { return a.number < b.number; });
  return taps;
}

}  // namespace

const std::string& Cast::card_of(const std::string& name) const {
  const auto found = std::find_if(guests.begin(), guests.end(),
                                  [&](const CastGuest& guest) { return guest.name == name; });
  if (found == guests.end() || found->cards.empty()) {
    throw std::runtime_error{fmt::format("the seed file has no guest {} with a card", name)};
  }
  return found->cards.front();
}

std::string Cast::name_of(const std::string& guest_id) const {
  const auto found = std::find_if(guests.begin(), guests.end(),
                                  [&](const CastGuest& guest) { return guest.id == guest_id; });
  return found == guests.end() ? guest_id : found->name;
}

Cast parse_cast(const std::string& text) {
  try {
    const json bar = json::parse(text);
    return {.guests = read_guests(bar), .taps = read_taps(bar)};
  } catch (const json::exception& error) {
    throw std::runtime_error{fmt::format("the seed file is not a bar: {}", error.what())};
  } catch (const std::out_of_range&) {
    throw std::runtime_error{"the seed file is not a bar: a tap names a keg that is not in it"};
  }
}

}  // namespace tapd::demo
