// Who may pour how much: the authorization policy. Pure: what the ledger knows and what the server
// said go in, a grant or a denial with its reason comes out. The cache never allows what a stored
// refusal forbids, and never more than the cached balance.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/core/serving_limits.hpp"
#include "storage/model/records.hpp"

namespace tapd {

/// What the venue risks while the server cannot be asked. Counted are the pours that the cache
/// allowed and the server has not confirmed.
struct OfflineLimits {
  model::Money per_guest{5'000};
  std::int64_t pours_per_guest{10};
  model::Money controller{200'000};  ///< Of all guests together.
};

/// The venue's limits. Defaults are safe for a small venue.
struct PolicyRules {
  model::Volume largest_pour{model::Volume::microlitres(1'000'000)};  ///< Per pour: 1 litre.
  model::Volume smallest_start{model::Volume::microlitres(50'000)};   ///< Less balance: refused.
  std::chrono::hours oldest_balance{72};  ///< Offline: older cached balances do not count.
  bool sell_offline{true};
  OfflineLimits offline;
  model::Money dearest_pour{model::largest_amount};  ///< Per pour, in money.
  std::vector<ServingLimit> serving_limits;
  std::vector<model::CardUid> service_cards;  ///< Staff's cards: each opens the service menu, ...
  std::vector<model::GuestId> staff_guests;   ///< ... and so does every card of these guests.
  /// A lifted serving limit is for the next pour that is asked for within this time.
  std::chrono::seconds lift_for{30};
  /// What may still run after the server has refused a card that is already pouring.
  model::Volume late_refusal{model::Volume::millilitres(30)};
};

/// Why somebody may not pour. The names are what staff read in the journal.
enum class DenialReason : std::uint8_t {
  unknown_card,
  lost_card,
  inactive_card,
  inactive_guest,
  insufficient_funds,
  balance_too_old,
  offline_not_allowed,
  offline_guest_limit,
  offline_exposure,
  emergency_stop,
  tap_not_active,
  no_keg,
  no_price,
  refused_by_server,
  several_cards,
  ledger_unavailable,
  serving_limit,
  limits_lifted,  ///< No refusal: a service card has lifted them, and is to be taken away.
};
[[nodiscard]] std::string_view to_text(DenialReason reason);

struct Denial {
  DenialReason reason{DenialReason::unknown_card};
  std::string message;  ///< One sentence that staff can act on.
};

/// Leave to pour.
struct Grant {
  model::GuestId guest_id;
  std::string guest_first_name;
  model::KegId keg_id;
  std::string beverage;
  model::LitrePrice price;
  bool price_is_about{false};  ///< No exact price is known: `price` is rounded up, for a limit.
  model::Volume limit;         ///< The valve is shut at this volume, tail included.
  model::Money hold;           ///< What `limit` costs: taken from the balance while it pours.
  model::Money overdraft;      ///< What `hold` may take beyond the balance.
  std::optional<model::Volume> keg_left;  ///< By the venue's books; nothing: they do not tell.
  model::AuthorizedBy by{model::AuthorizedBy::cache};
  std::string category{};  ///< The beverage's style, for the serving limits.
};

using Decision = std::variant<Grant, Denial>;

/// What the server's authorization said, as far as it bounds the pour.
struct ServerLeave {
  model::GuestId guest_id;
  std::string guest_first_name;
  model::Volume most;
  std::optional<model::LitrePrice> price;
  /// What `most` was made with, rounded up to whole minor units a millilitre; zero: not told.
  model::LitrePrice rounded_price{};
  /// What the venue lets the guest spend beyond the balance.
  model::Money overdraft{};
};

/// Decides from the cache alone (the server could not be asked). `boot` is this boot: the age of a
/// balance heard in another boot is measured on the wall clock.
[[nodiscard]] Decision decide_offline(const PolicyRules& rules,
                                      const model::AuthorizationFacts& facts,
                                      std::optional<model::LitrePrice> own_price,
                                      const model::Moment& now, const model::BootId& boot);

/// Decides after the server said yes: its word, bounded by what this controller knows and the
/// server may not (pours it has not seen yet, an emergency stop, a locked tap).
[[nodiscard]] Decision decide_online(const PolicyRules& rules,
                                     const model::AuthorizationFacts& facts,
                                     const ServerLeave& leave,
                                     std::optional<model::LitrePrice> own_price,
                                     const model::Moment& now, const model::BootId& boot);

/// What the card or its guest is refused for whatever the balance: lost, not active. Ends a pour
/// that runs, too.
[[nodiscard]] std::optional<Denial> refusal_of_guest(const model::AuthorizationFacts& facts);

/// The card is one of staff's by its own number.
[[nodiscard]] bool is_service_card(const PolicyRules& rules, const model::CardUid& card);
/// The card, or its guest as the cache knows it, is staff's. Whether it is lost or not active is
/// told by `refusal_of_guest`, and counts for staff too.
[[nodiscard]] bool is_staff(const PolicyRules& rules, const model::CardUid& card,
                            const model::AuthorizationFacts& facts);

/// The server's word for a refusal, translated.
[[nodiscard]] Denial denial_from_server(const std::string& reason, const std::string& message);

}  // namespace tapd
