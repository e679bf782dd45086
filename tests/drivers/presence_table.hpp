// Looks at a card reader's field, 50 ms apart, for the tests of presence.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "drivers/card_presence.hpp"

namespace tapd::drivers::test {

inline constexpr auto step = std::chrono::milliseconds{50};

inline Uid uid_of(std::uint8_t first) {
  return {.bytes = {first, 2, 3, 4}, .size = 4};
}

inline const Uid anna = uid_of(0x11);
inline const Uid bert = uid_of(0x22);

/// Feeds looks 50 ms apart and keeps what was told.
class Table {
 public:
  explicit Table(PresenceRules rules = {}) : presence_(rules) {}

  std::vector<PresenceEvent> look(const Look& look, std::chrono::nanoseconds after = step) {
    now_ += after;
    return presence_.on(look, now_);
  }
  std::vector<PresenceEvent> looks(int count, const Look& what) {
    std::vector<PresenceEvent> all;
    for (int i = 0; i < count; ++i) {
      for (auto& event : look(what)) all.push_back(event);
    }
    return all;
  }
  void lay_down(const Uid& uid) {
    const auto events = looks(2, CardSeen{uid});
    REQUIRE(events.size() == 1);
    REQUIRE(std::get<CardArrived>(events[0]).uid == uid);
  }
  /// The bus hangs.
  void hang(std::chrono::nanoseconds time) {
    now_ += time;
    presence_.nobody_looked(time);
  }
  [[nodiscard]] SinceBoot now() const { return now_; }
  [[nodiscard]] std::optional<Uid> present() const { return presence_.present(); }

 private:
  CardPresence presence_;
  SinceBoot now_{std::chrono::hours{1}};
};

}  // namespace tapd::drivers::test
