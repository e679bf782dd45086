// The authorizations that were asked for and whose end is not known yet. On the existing server
// each holds a lock that never expires and is released by a pour row only: one that no pour
// followed must be released with a row of no volume. The authorize lane enters them, the settle
// lane looks what became of them. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "storage/model/records.hpp"
#include "sync/backoff.hpp"
#include "sync/transport.hpp"

namespace tapd::sync {

class Grants {
 public:
  /// More than a controller's taps can ask for at once; past it the oldest is forgotten.
  static constexpr std::size_t most = 64;
  /// From an answer to the durable beginning of the pour it allows: reading facts and one commit,
  /// on the slowest card.
  static constexpr std::chrono::milliseconds until_begun{10'000};

  /// One that is not resolved by then outlasts the server's answers: an outage.
  static constexpr std::chrono::milliseconds unresolved_after{2 * until_begun};

  static constexpr model::SinceBoot never_looked = model::SinceBoot::max();

  struct Grant {
    model::CardUid card;
    model::TapId tap;
    model::SinceBoot asked{};
    model::SinceBoot look_at{never_looked};    ///< Not while the request is under way.
    bool locked{false};                        ///< Perhaps, by a request before.
    bool sure{false};                          ///< The lock was heard of and not used since.
    std::optional<model::ClientTxId> release;  ///< Of the row that releases it, once sent.
    int failures{0};                           ///< When it was to be released.
    std::uint64_t judged_then{0};              ///< Rows of others, at the last of those.
    RequestId request{0};                      ///< The newest that asks for it; 0: of no guest.
  };

  void asked(const model::CardUid& card, model::TapId tap, model::SinceBoot now,
             RequestId request = 0) {
    const Grant* const before = find(card, tap);
    const bool locked = before != nullptr && (before->locked || before->look_at != never_looked);
    forget(card, tap);
    if (all_.size() >= most) all_.erase(all_.begin());
    Grant grant;
    grant.card = card;
    grant.tap = tap;
    grant.asked = now;
    grant.locked = locked;
    grant.request = request;
    all_.push_back(grant);
  }
  /// Allowed, or nobody knows.
  void look_later(const model::CardUid& card, model::TapId tap, model::SinceBoot when) {
    if (Grant* const grant = find(card, tap)) grant->look_at = when;
  }
  /// Made for a row that did not use it: it pays for nothing, like any that no pour followed. One
  /// that is watched may pay for a pour that begins from now on: that is seen in its time.
  void release_soon(const model::CardUid& card, model::TapId tap, model::SinceBoot now) {
    Grant* const watched = find(card, tap);
    if (watched != nullptr && !watched->release) {
      watched->asked = now;
      watched->locked = true;
      watched->sure = false;
      return;
    }
    asked(card, tap, now);
    look_later(card, tap, now);
  }
  /// The server said that it made the lock.
  void heard(const model::CardUid& card, model::TapId tap, model::SinceBoot look_at) {
    look_later(card, tap, look_at);
    if (Grant* const grant = find(card, tap)) grant->sure = true;
  }
  /// This request made no lock; one before it may have, and one after it may.
  void refused(const model::CardUid& card, model::TapId tap, RequestId request,
               model::SinceBoot when) {
    const Grant* const grant = find(card, tap);
    if (grant != nullptr && grant->request != request) return;
    if (grant != nullptr && grant->locked) return look_later(card, tap, when);
    forget(card, tap);
  }
  /// Used or released.
  void forget(const model::CardUid& card, model::TapId tap) {
    std::erase_if(all_, [&](const Grant& each) { return each.card == card && each.tap == tap; });
  }
  /// The id of the row that releases this grant, the same however often it is sent: a server that
  /// has recorded it takes the lock of no later authorization for it.
  [[nodiscard]] model::ClientTxId release_id(const Grant& grant, const Random& random) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random(256));
    auto fresh = model::ClientTxId::from_random(bytes);
    Grant* const known = find(grant.card, grant.tap);
    if (known == nullptr) return fresh;
    if (!known->release) known->release = fresh;
    return *known->release;
  }
  /// Null: not here.
  [[nodiscard]] Grant* find(const model::CardUid& card, model::TapId tap) {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const Grant& each) {
      return each.card == card && each.tap == tap;
    });
    return found == all_.end() ? nullptr : &*found;
  }
  /// A session with this card or on this tap may be about to begin: nothing was to be released yet.
  [[nodiscard]] bool concern(const model::CardUid& card, model::TapId tap) const {
    return std::any_of(all_.begin(), all_.end(), [&](const Grant& each) {
      return !each.release && each.failures == 0 && (each.card == card || each.tap == tap);
    });
  }
  /// In the order in which they were asked for.
  [[nodiscard]] const std::vector<Grant>& all() const { return all_; }
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
