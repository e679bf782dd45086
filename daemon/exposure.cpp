#include "daemon/exposure.hpp"

#include <algorithm>

namespace tapd {

model::Money spendable_offline(const PolicyRules& rules,
                               const std::vector<model::AuthorizationFacts>& guests,
                               const model::Moment& now, const model::BootId& boot) {
  // At the lowest price whoever has any balance has enough to start: what stands in the way is the
  // policy alone.
  constexpr model::LitrePrice lowest{1};
  PolicyRules any_amount = rules;
  any_amount.smallest_start = model::Volume::millilitres(1);
  model::Money sum;
  for (const model::AuthorizationFacts& facts : guests) {
    const Decision decision = decide_offline(any_amount, facts, lowest, now, boot);
    if (std::holds_alternative<Grant>(decision)) {
      sum += std::min(facts.available, rules.offline.per_guest);
    }
  }
  return std::min(sum, rules.offline.controller);
}

}  // namespace tapd
