#include "daemon/book_keeping.hpp"

namespace tapd {

Chore next_chore(const BookKeepingRules& rules, const BookKeepingState& state,
                 const std::string& books, bool pour_open, const model::Moment& now) {
  const auto due = [&now](const std::optional<model::SinceBoot>& last, auto interval) {
    return !last || now.since_boot - *last >= interval;
  };
  const auto rested = [&](Chore chore) {
    const auto failed = state.failed.find(chore);
    return failed == state.failed.end() || now.since_boot - failed->second >= rules.retry;
  };
  if (pour_open) return Chore::none;
  if (rules.backup_interval.count() > 0 && books != state.backup_holds &&
      due(state.backed_up, rules.backup_interval) && rested(Chore::back_up)) {
    return Chore::back_up;
  }
  if (due(state.checked, rules.check_interval) && rested(Chore::check)) return Chore::check;
  if (now.wall_trusted && due(state.forgotten, rules.check_interval) && rested(Chore::forget)) {
    return Chore::forget;
  }
  return Chore::none;
}

}  // namespace tapd
