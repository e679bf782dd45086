// What the venue has at stake: pours that the server has not confirmed, and what could still be
// poured on cached balances if the network died now. Pure; for the local API.
#pragma once

#include <vector>

#include "daemon/core/policy.hpp"
#include "storage/ledger.hpp"

namespace tapd {

/// What these guests' cached balances could still buy offline under the policy: every guest whom it
/// would let pour counts with what is available, or with what the offline limit of a guest leaves
/// after what was poured already. `guests` as the ledger's `spenders` tells them, in parts; the
/// limit of the whole controller is `within_exposure`'s.
[[nodiscard]] model::Money spendable_offline(const PolicyRules& rules,
                                             const std::vector<model::AuthorizationFacts>& guests,
                                             const model::Moment& now, const model::BootId& boot);

/// As much of `sum` as policy.offline_exposure leaves after what everybody has poured already.
[[nodiscard]] model::Money within_exposure(const PolicyRules& rules, model::Money sum,
                                           const model::OfflineSpending& everybody);

}  // namespace tapd
