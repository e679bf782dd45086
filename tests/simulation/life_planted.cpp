// What is planted into a run of the daemon, to be seen by the referee.
#include <algorithm>

#include "life.hpp"

namespace tapd::simulation {

/// Something else is done in the place of these, and answered as if it was they.
bool Life::is_left_out(const StorageRequest& request) const {
  const Planted planted = site_.plan.planted;
  return (planted == Planted::begin_not_written && std::holds_alternative<BeginRow>(request)) ||
         (planted == Planted::progress_not_written && std::holds_alternative<ProgressRow>(request));
}

StorageAnswer Life::done(const StorageRequest& request) {
  if (const auto* begin = std::get_if<BeginRow>(&request)) {
    return BeginRowDone{begin->begin.tap_id, begin->begin.client_tx_id, {}};
  }
  return ProgressRowDone{std::get<ProgressRow>(request).tap, {}};
}

std::vector<StorageRequest> Life::as_planted(std::vector<StorageRequest> batch) const {
  for (StorageRequest& request : batch) {
    auto* begin = std::get_if<BeginRow>(&request);
    if (begin != nullptr && site_.plan.planted == Planted::inflated_facts) begin->begin.hold = {};
    if (begin != nullptr && site_.plan.planted == Planted::changed_begin) {
      begin->begin.authorized_by = model::AuthorizedBy::cache;
    }
    if (is_left_out(request)) request = ReadWorld{};
  }
  return batch;
}

StorageAnswer Life::as_planted(StorageAnswer answer) const {
  const Planted planted = site_.plan.planted;
  const bool unstopped = planted == Planted::stop_not_told;
  if (auto* facts = std::get_if<FactsRead>(&answer); facts != nullptr && facts->result) {
    if (planted == Planted::inflated_facts) facts->result->available = model::Money{100'000};
    if (planted == Planted::blind_policy && facts->result->card) facts->result->card->status = {};
    if (unstopped) facts->result->emergency_stop = false;
  }
  auto* world = std::get_if<WorldRead>(&answer);
  if (unstopped && world && world->result) world->result->emergency_stop = false;
  return answer;
}

PolicyRules Life::policy() const {
  PolicyRules rules = policy_rules(site_.plan);
  const Planted planted = site_.plan.planted;
  if (planted == Planted::generous_policy) {
    rules.offline = {.per_guest = model::Money{1'000'000},
                     .pours_per_guest = 1'000,
                     .controller = model::Money{100'000'000}};
  }
  if (planted == Planted::short_window)
    rules.serving_limits.front().window = std::chrono::minutes{1};
  if (planted == Planted::large_glass) rules.serving_limits.front().per_pour.reset();
  if (planted == Planted::lasting_lift) rules.lift_for = std::chrono::hours{1};
  if (planted == Planted::anyones_menu) rules.service_cards.push_back(card_of(0));
  if (planted == Planted::many_pours) rules.offline.pours_per_guest = 1'000;
  return rules;
}

}  // namespace tapd::simulation
