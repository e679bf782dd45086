#include "daemon/tap_states.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace tapd {

using nlohmann::json;

namespace {

/// What both tell: the tap, and its session as far as there is one.
json common_to_both(const TapSession& session, const TapView& view) {
  json tap{
      {"tap_id", session.tap().number()}, {"state", to_text(view.state)}, {"reason", view.reason}};
  if (view.card) tap["card"] = view.card->masked();
  if (view.state == TapState::servicing) tap["volume_ml"] = view.volume.in_millilitres();
  if (!view.grant) return tap;
  tap["guest"] = view.grant->guest_first_name;
  tap["beverage"] = view.grant->beverage;
  tap["price_per_litre_cents"] = view.grant->price.minor_per_litre();
  tap["volume_ml"] = view.volume.in_millilitres();
  tap["price_cents"] = view.price.minor_units();
  if (view.client_tx_id) tap["receipt"] = view.client_tx_id->short_id();
  return tap;
}

}  // namespace

json status_of(const TapSession& session) {
  const TapView view = session.view();
  json tap = common_to_both(session, view);
  tap["valve_open"] = session.valve_open();
  tap["close_time_us"] = session.tail().close_time().count();
  if (view.state == TapState::servicing) tap["edges"] = view.edges;
  if (!view.grant) return tap;
  if (view.grant->price_is_about) tap["price_is_about"] = true;
  tap["limit_ml"] = view.grant->limit.in_millilitres();
  tap["authorized_by"] = to_text(view.grant->by);
  return tap;
}

json screen_of(const TapSession& session, const TapOffer& offer) {
  const TapView view = session.view();
  json tap = common_to_both(session, view);
  if (offer.keg_left) tap["keg_left_ml"] = offer.keg_left->in_millilitres();
  if (!view.grant) {
    tap["beverage"] = offer.beverage;
    if (offer.price) tap["price_per_litre_cents"] = offer.price->minor_per_litre();
    return tap;
  }
  const auto zero = std::int64_t{0};
  tap["left_ml"] = std::max(zero, (view.grant->limit - view.volume).in_millilitres());
  tap["left_cents"] = std::max(zero, (view.grant->hold - view.price).minor_units());
  return tap;
}

void add_last_service(json& tap, const Controller::ServiceReport& service) {
  if (service.number == 0) return;
  tap["last_service"] = {{"number", service.number},
                         {"kind", to_text(service.done.kind)},
                         {"volume_ul", service.done.volume.in_microlitres()},
                         {"edges", service.done.edges},
                         {"open_ms", service.done.open_for.count()}};
}

}  // namespace tapd
