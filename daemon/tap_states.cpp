#include "daemon/tap_states.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace tapd {

using nlohmann::json;

json status_of(const TapSession& session) {
  const TapView view = session.view();
  json tap{{"tap_id", session.tap().number()},
           {"state", to_text(view.state)},
           {"reason", view.reason},
           {"valve_open", session.valve_open()},
           {"close_time_us", session.tail().close_time().count()}};
  if (view.card) tap["card"] = view.card->masked();
  if (view.state == TapState::servicing) {
    tap["volume_ml"] = view.volume.in_millilitres();
    tap["edges"] = view.edges;
  }
  if (!view.grant) return tap;
  tap["guest"] = view.grant->guest_first_name;
  tap["beverage"] = view.grant->beverage;
  tap["price_per_litre_cents"] = view.grant->price.minor_per_litre();
  if (view.grant->price_is_about) tap["price_is_about"] = true;
  tap["limit_ml"] = view.grant->limit.in_millilitres();
  tap["authorized_by"] = to_text(view.grant->by);
  tap["volume_ml"] = view.volume.in_millilitres();
  tap["price_cents"] = view.price.minor_units();
  if (view.client_tx_id) tap["receipt"] = view.client_tx_id->short_id();
  return tap;
}

json screen_of(const TapSession& session, const TapOffer& offer) {
  const TapView view = session.view();
  json tap{{"tap_id", session.tap().number()},
           {"state", to_text(view.state)},
           {"reason", view.reason},
           {"beverage", offer.beverage}};
  if (offer.price) tap["price_per_litre_cents"] = offer.price->minor_per_litre();
  if (offer.keg_left) tap["keg_left_ml"] = offer.keg_left->in_millilitres();
  if (view.card) tap["card"] = view.card->masked();
  if (view.state == TapState::servicing) tap["volume_ml"] = view.volume.in_millilitres();
  if (!view.grant) return tap;
  const Grant& grant = *view.grant;
  const auto zero = std::int64_t{0};
  tap["guest"] = grant.guest_first_name;
  tap["beverage"] = grant.beverage;
  tap["price_per_litre_cents"] = grant.price.minor_per_litre();
  tap["volume_ml"] = view.volume.in_millilitres();
  tap["price_cents"] = view.price.minor_units();
  tap["left_ml"] = std::max(zero, (grant.limit - view.volume).in_millilitres());
  tap["left_cents"] = std::max(zero, (grant.hold - view.price).minor_units());
  if (view.client_tx_id) tap["receipt"] = view.client_tx_id->short_id();
  return tap;
}

}  // namespace tapd
