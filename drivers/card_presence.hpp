// From looks to presence: who has laid a card on the reader and when it was taken away. Pure: looks
// and times go in, events come out. Only clean silence counts as absence; a broken answer is
// somebody; another UID ends the first presence. (Hardware notes, section 1, "Presence algorithm".)
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "drivers/card_reader.hpp"

namespace tapd::drivers {

/// How patient presence is. The defaults are the hardware notes'.
struct PresenceRules {
  int looks_to_arrive{2};                            ///< Same UID in so many looks in a row.
  int silences_to_leave{3};                          ///< Clean silences in a row ...
  std::chrono::milliseconds silence_to_leave{250};   ///< ... and at least this long.
  std::chrono::milliseconds longest_unreadable{1500};  ///< No clean answer for so long: gone.
  int troubles_to_fault{3};                          ///< ReaderTrouble in a row until the fault is told.
};

struct CardArrived {
  Uid uid;
};
/// `last_seen` is the last good answer: the end of presence for every decision about money.
struct CardLeft {
  Uid uid;
  SinceBoot last_seen{};
};
/// Two cards, or one that cannot be used; told once until the field is clear.
struct CardRefused {
  std::string why;
};
struct ReaderFailed {
  std::string what;
};
struct ReaderBack {};

using PresenceEvent = std::variant<CardArrived, CardLeft, CardRefused, ReaderFailed, ReaderBack>;

class CardPresence {
 public:
  explicit CardPresence(PresenceRules rules = {});
  /// Feeds one look; answers what changed (usually nothing). `now` never goes backwards.
  [[nodiscard]] std::vector<PresenceEvent> on(const Look& look, SinceBoot now);
  /// The card that lies there now.
  [[nodiscard]] std::optional<Uid> present() const;

 private:
  struct Held {
    Uid uid;
    SinceBoot last_seen{};
  };
  PresenceRules rules_;
  std::optional<Held> held_;
  std::optional<Uid> candidate_;
  int candidate_looks_{0};
  int silences_{0};
  std::optional<SinceBoot> silent_since_;
  int troubles_{0};
  bool failed_{false};
  bool refusal_told_{false};
};

}  // namespace tapd::drivers
