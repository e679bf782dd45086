#include "daemon/exposure.hpp"

#include <algorithm>

namespace tapd {
namespace {

// At the lowest price whoever has any balance has enough to start: what stands in the way is the
// policy alone. The limit of all together is applied to the sum.
constexpr model::LitrePrice lowest{1};

PolicyRules for_any_amount(const PolicyRules& rules) {
  PolicyRules any = rules;
  any.smallest_start = model::Volume::millilitres(1);
  any.offline.controller = model::largest_amount;
  return any;
}

}  // namespace

model::Money spendable_offline(const PolicyRules& rules,
                               const std::vector<model::AuthorizationFacts>& guests,
                               const model::Moment& now, const model::BootId& boot) {
  const PolicyRules any_amount = for_any_amount(rules);
  model::Money sum;
  for (const model::AuthorizationFacts& facts : guests) {
    const Decision decision = decide_offline(any_amount, facts, lowest, now, boot);
    if (!std::holds_alternative<Grant>(decision)) continue;
    const model::Money left = rules.offline.per_guest - facts.offline_guest.spent;
    sum += std::clamp(left, model::Money{}, std::max(facts.available, model::Money{}));
  }
  return sum;
}

model::Money within_exposure(const PolicyRules& rules, model::Money sum,
                             const model::OfflineSpending& everybody) {
  const model::Money left = rules.offline.controller - everybody.spent;
  return std::clamp(left, model::Money{}, sum);
}

}  // namespace tapd
