// What the readers saw last, for a technician who lays cards on and watches (`tapctl card watch`):
// the newest events of all taps in a ring of fixed size. The readers' threads put, the API's reads.
// It decides nothing and is lost with the daemon.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "drivers/card_presence.hpp"
#include "storage/model/ids.hpp"
#include "storage/model/time.hpp"

namespace tapd {

/// One thing that a reader told.
struct CardSight {
  std::int64_t number{0};  ///< From 1 on, without gaps.
  model::TapId tap;
  model::WallTime at;
  std::string what;  ///< "laid_on", "taken_away", "refused", "reader_failed", "reader_back"
  std::string card;  ///< The whole UID, in hexadecimal; empty where there is none.
  std::string why;   ///< Of a refusal or a failure.
};

class CardLog {
 public:
  static constexpr std::size_t most = 64;

  void put(model::TapId tap, const drivers::PresenceEvent& event, model::WallTime at);
  /// Those after this number, oldest first; what the ring has forgotten is left out.
  [[nodiscard]] std::vector<CardSight> after(std::int64_t number) const;
  /// The number of the newest; 0: nothing yet.
  [[nodiscard]] std::int64_t newest() const;

 private:
  mutable std::mutex guard_;
  std::deque<CardSight> sights_;
  std::int64_t newest_{0};
};

}  // namespace tapd
