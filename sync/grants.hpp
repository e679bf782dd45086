// The authorizations that were asked for and whose end is not known yet. On the existing server
// each holds a lock that never expires and is released by a pour row only: one that no pour
// followed must be released with a row of no volume. The authorize lane enters them, the settle
// lane looks what became of them. Pure.
#pragma once

#include <algorithm>
#include <vector>

#include "storage/model/records.hpp"

namespace tapd::sync {

class Grants {
 public:
  /// More than a controller's taps can ask for at once; past it the oldest is forgotten.
  static constexpr std::size_t most = 64;
  /// From an answer to the durable beginning of the pour it allows: reading facts and one commit,
  /// on the slowest card.
  static constexpr std::chrono::milliseconds until_begun{10'000};

  struct Grant {
    model::CardUid card;
    model::TapId tap;
    model::SinceBoot asked{};
    model::SinceBoot look_at{model::SinceBoot::max()};  ///< Not while the request is under way.
  };

  void asked(const model::CardUid& card, model::TapId tap, model::SinceBoot now) {
    forget(card, tap);
    if (all_.size() >= most) all_.erase(all_.begin());
    all_.push_back({card, tap, now});
  }
  /// Allowed, or nobody knows.
  void look_later(const model::CardUid& card, model::TapId tap, model::SinceBoot when) {
    for (Grant& grant : all_) {
      if (grant.card == card && grant.tap == tap) grant.look_at = when;
    }
  }
  /// Refused, used or released.
  void forget(const model::CardUid& card, model::TapId tap) {
    std::erase_if(all_, [&](const Grant& each) { return each.card == card && each.tap == tap; });
  }
  /// A session with this card or on this tap may be about to begin.
  [[nodiscard]] bool concern(const model::CardUid& card, model::TapId tap) const {
    return std::any_of(all_.begin(), all_.end(),
                       [&](const Grant& each) { return each.card == card || each.tap == tap; });
  }
  /// The one to look at next; null: none.
  [[nodiscard]] const Grant* next() const {
    const auto soonest = std::min_element(
        all_.begin(), all_.end(),
        [](const Grant& one, const Grant& other) { return one.look_at < other.look_at; });
    return soonest == all_.end() ? nullptr : &*soonest;
  }

 private:
  std::vector<Grant> all_;
};

}  // namespace tapd::sync
