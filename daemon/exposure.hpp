// What the venue has at stake: pours that the server has not confirmed, and what could still be
// poured on cached balances if the network died now. Pure; for the local API.
#pragma once

#include <vector>

#include "daemon/core/policy.hpp"
#include "storage/ledger.hpp"

namespace tapd {

/// What cached balances could still buy offline under the policy: every guest whom it would let
/// pour counts with the whole balance, up to the limits of the policy. `guests` as the ledger's
/// `spenders` tells them.
[[nodiscard]] model::Money spendable_offline(const PolicyRules& rules,
                                             const std::vector<model::AuthorizationFacts>& guests,
                                             const model::Moment& now, const model::BootId& boot);

}  // namespace tapd
