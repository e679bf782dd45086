// The answer to "may this card pour at this tap?": what the wire decodes, the engine hands on and
// the daemon's policy reads. Plain values.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "storage/model/records.hpp"

namespace tapd::sync {

/// The server allows the pour.
struct Allowed {
  model::GuestId guest_id;
  std::string guest_first_name;
  model::Money balance;
  model::Money overdraft;  ///< What the venue lets the guest spend beyond it; `most` counts it.
  model::Volume most;     ///< `max_volume_ml`, safety already taken off; at most Volume::largest().
  model::Volume least{};  ///< `min_start_ml`.
  std::optional<model::LitrePrice> price;  ///< Exact litre price; none: only the cache knows it.
  /// `price_per_ml_cents` for a litre: rounded up to whole minor units per millilitre, so up to
  /// half again too dear. What `most` was made with; to be shown only as "about".
  model::LitrePrice rounded_price{};
};
/// The server refuses; `reason` is its word ("lost_card", "insufficient_funds", ...).
struct Refused {
  std::string reason;
  std::string message;
};
/// No usable answer in time: the cache decides.
struct NoAnswer {
  std::string why;
};
using AuthorizeVerdict = std::variant<Allowed, Refused, NoAnswer>;

}  // namespace tapd::sync
