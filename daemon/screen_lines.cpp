#include "daemon/screen_lines.hpp"

#include <nlohmann/json.hpp>

#include "daemon/control_talk.hpp"
#include "sync/json_text.hpp"

namespace tapd {

using nlohmann::json;

/// A ledger that cannot be read now leaves what was read before.
void ScreenLines::read_offers() {
  for (const auto& [tap, own_price] : own_prices_) {
    const auto facts = storage_.run(
        [wanted = tap](storage::Ledger& ledger) { return ledger.facts(model::CardUid{}, wanted); });
    if (!facts) continue;
    TapOffer offer{.beverage = {}, .price = own_price, .keg_left = {}};
    if (facts->beverage) {
      offer.beverage = facts->beverage->name;
      offer.price = facts->beverage->price;
    }
    if (facts->keg) offer.keg_left = facts->keg->current_volume;
    offers_[tap] = std::move(offer);
  }
}

std::optional<std::vector<std::string>> ScreenLines::operator()() {
  constexpr int looks_between_offers = 20;
  if (looks_++ % looks_between_offers == 0) read_offers();
  return ask<std::vector<std::string>>(control_, [offers = offers_](const Controller& controller) {
    std::vector<std::string> lines;
    for (std::size_t tap = 0; tap < controller.tap_count(); ++tap) {
      const TapSession& session = controller.session(tap);
      const auto offer = offers.find(session.tap());
      const json one = screen_of(session, offer == offers.end() ? TapOffer{} : offer->second);
      lines.push_back(packed(one));
    }
    return lines;
  });
}

}  // namespace tapd
