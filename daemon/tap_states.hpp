// Each tap's state as JSON, for `GET /status` and for the stream that screens are built on. Read
// from the sessions on the control thread; changes nothing.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "daemon/controller.hpp"
#include "daemon/core/tap_session.hpp"

namespace tapd {

/// What a tap sells while nobody pours, as the cache has it.
struct TapOffer {
  std::string beverage;
  std::optional<model::LitrePrice> price;
  std::optional<model::Volume> keg_left;
  bool operator==(const TapOffer&) const = default;
};

/// For people and tests: everything.
[[nodiscard]] nlohmann::json status_of(const TapSession& session);
/// For a screen at the tap: docs/stream.md tells each key. Nothing of the card but its last digits.
[[nodiscard]] nlohmann::json screen_of(const TapSession& session, const TapOffer& offer);

/// What staff did last at the tap, as "last_service"; nothing was done: nothing is added.
void add_last_service(nlohmann::json& tap, const Controller::ServiceReport& service);

}  // namespace tapd
