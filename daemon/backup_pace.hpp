// When a backup goes on copying, and when it lets others go before it. A copy that nobody syncs
// comes together in memory, and the sync at its end then keeps the ledger's commits waiting for
// seconds on an SD card: so little of it is ever unsynced, and nothing is copied while somebody
// pours, unless that would put it off for too long. Pure; the book keeper does what it says.
#pragma once

#include <cstdint>

namespace tapd {

class BackupPace {
 public:
  enum class Step : std::uint8_t {
    copy,  ///< One part.
    sync,  ///< What has been copied.
    wait,  ///< For the pour that runs: a while.
  };

  static constexpr int most_unsynced_parts = 4;
  /// With the while of the book keeper ten seconds for every so many parts: a bar in which somebody
  /// always pours gets its backup, too.
  static constexpr int most_waits = 100;

  [[nodiscard]] Step next(bool pour_open) {
    if (unsynced_ >= most_unsynced_parts) return Step::sync;
    if (!pour_open || waits_ >= most_waits) return Step::copy;
    ++waits_;
    return Step::wait;
  }
  void copied() { ++unsynced_; }
  void synced() {
    unsynced_ = 0;
    waits_ = 0;
  }

 private:
  int unsynced_{0};
  int waits_{0};
};

}  // namespace tapd
