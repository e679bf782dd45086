// What was sent and had no answer may come to the server yet: somebody on the way kept it, or the
// server is slow. On a server where a row takes the lock of its card and tap, it would take that of
// another pour. Pure; the settle lane enters what it sends, the authorize lane asks.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>

#include "storage/model/ids.hpp"
#include "storage/model/time.hpp"

namespace tapd::sync {

class LateArrivals {
 public:
  /// Twice what proxies wait for a server by default.
  static constexpr std::chrono::minutes expected_for{2};

  /// A row, or a release, was sent at `now` at the latest, and nobody heard what became of it.
  void unheard(const model::ClientTxId& row, const model::CardUid& card, model::TapId tap,
               const model::Moment& now) {
    std::erase_if(rows_, [&](const auto& each) { return each.second.until <= now.since_boot; });
    rows_[row] = {card, tap, now.since_boot + expected_for};
  }
  /// The server has recorded it: should it come once more, it takes nothing.
  void recorded(const model::ClientTxId& row) { rows_.erase(row); }

  /// Anything of that card: also at another tap the server has its lock.
  [[nodiscard]] bool of_card(const model::CardUid& card, const model::Moment& now) const {
    return any(now, [&](const auto&, const Row& each) { return each.card == card; });
  }
  /// Anything but that row itself would take the lock of this card and tap.
  [[nodiscard]] bool but_for(const model::ClientTxId& row, const model::CardUid& card,
                             model::TapId tap, const model::Moment& now) const {
    return any(now, [&](const model::ClientTxId& id, const Row& each) {
      return id != row && each.card == card && each.tap == tap;
    });
  }

 private:
  struct Row {
    model::CardUid card;
    model::TapId tap;
    model::SinceBoot until{};
  };
  template<typename Meant>
  [[nodiscard]] bool any(const model::Moment& now, const Meant& meant) const {
    return std::any_of(rows_.begin(), rows_.end(), [&](const auto& each) {
      return now.since_boot < each.second.until && meant(each.first, each.second);
    });
  }
  std::map<model::ClientTxId, Row> rows_;
};

}  // namespace tapd::sync
