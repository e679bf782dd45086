// Section 1 of the wire contract: may this card open this tap, and up to what volume? Called for
// each card laid on a reader that has a network. Grants are a lock of the card on the tap, released
// by the pour's row. Checks everything that the venue knows: stop, card, guest, tap, keg, funds.
// No funds are reserved: the lock keeps a card from paying twice at the same time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tests/central/database.hpp"
#include "tests/central/reply.hpp"

namespace tapd::central {

/// What the venue grants.
struct ServingPolicy {
  std::int64_t min_start_ml{20};            ///< Less than this is not worth opening a valve for.
  std::int64_t safety_ml{2};                ///< Taken off the limit: what runs while a valve shuts.
  std::int64_t allowed_overdraft_cents{0};  ///< Added to the balance.
  /// A lock older than this no longer keeps the card from other taps: its controller is gone.
  std::chrono::seconds lock_lifetime{std::chrono::minutes{15}};
};

/// Answers one request; the body is the controller's. Throws DatabaseError.
[[nodiscard]] Reply authorize_pour(Connection& connection, const ServingPolicy& policy,
                                   const std::string& body);

}  // namespace tapd::central
