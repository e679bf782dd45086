// Which of the balances that were heard by themselves (authorizations, settlements) are younger
// than a snapshot under way, and which are older than what is known already. The ledger's marker
// cannot tell: it counts verdicts, and between two of them there is only the order in which was
// asked. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "storage/model/records.hpp"
#include "sync/transport.hpp"

namespace tapd::sync {

class HeardBalances {
 public:
  /// More than are heard while one answer is under way; past it the oldest is forgotten.
  static constexpr std::size_t most = 256;

  /// Something that was asked for after this request is in the ledger already.
  [[nodiscard]] bool is_overtaken(const model::GuestId& guest, RequestId request) const {
    const auto younger = [&](const Heard& each) {
      return each.guest == guest && each.request > request;
    };
    return request < snapshot_ || std::any_of(heard_.begin(), heard_.end(), younger);
  }
  /// The ledger has what this request brought.
  void heard(const model::GuestId& guest, const model::CardUid& card, RequestId request) {
    if (heard_.size() >= most) heard_.erase(heard_.begin());
    heard_.push_back({guest, card, request});
  }
  void snapshot_applied(RequestId request) {
    snapshot_ = request;
    std::erase_if(heard_, [&](const Heard& each) { return each.request < request; });
  }
  /// What was asked for after this request and heard before its answer.
  [[nodiscard]] model::Snapshot::HeardSince since(RequestId request) const {
    model::Snapshot::HeardSince since;
    for (const Heard& each : heard_) {
      if (each.request < request) continue;
      since.guests.push_back(each.guest);
      since.cards.push_back(each.card);
    }
    return since;
  }

 private:
  struct Heard {
    model::GuestId guest;
    model::CardUid card;
    RequestId request{0};
  };

  std::vector<Heard> heard_;
  RequestId snapshot_{0};  ///< The youngest that was applied.
};

}  // namespace tapd::sync
