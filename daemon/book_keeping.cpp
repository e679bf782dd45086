#include "daemon/book_keeping.hpp"

namespace tapd {

Chore next_chore(const BookKeepingRules& rules, const BookKeepingState& state,
                 const std::string& books, bool pour_open, const model::Moment& now) {
  const auto due = [&now](const std::optional<model::SinceBoot>& last, auto interval) {
    return !last || now.since_boot - *last >= interval;
  };
  if (pour_open || !due(state.failed, rules.retry)) return Chore::none;
  if (rules.backup_interval.count() > 0 && books != state.backup_holds &&
      due(state.backed_up, rules.backup_interval)) {
    return Chore::back_up;
  }
  if (due(state.checked, rules.check_interval)) return Chore::check;
  if (now.wall_trusted && due(state.forgotten, rules.check_interval)) return Chore::forget;
  return Chore::none;
}

}  // namespace tapd
