// From looks to presence: who has laid a card on the reader and when it was taken away. Pure: looks
// and times go in, events come out; called by the thread that owns the reader. Only clean silence
// counts as absence; a broken answer is somebody; another UID ends the first presence. It knows
// only what it is fed: that looks keep coming is watched elsewhere. (Hardware notes, section 1,
// "Presence algorithm".)
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
  int looks_to_arrive{2};  ///< Same UID (or the same kind of refusal) in so many looks in a row.
  int looks_to_call_unreadable{10};  ///< Broken answers in a row, with no card held, until told.
  int silences_to_leave{3};          ///< Clean silences in a row ...
  std::chrono::milliseconds silence_to_leave{250};     ///< ... and at least this long.
  std::chrono::milliseconds longest_unreadable{1500};  ///< No clean answer for so long: gone.
  int troubles_to_fault{3};  ///< ReaderTrouble in a row until the fault is told ...
  /// ... and for at least this long: the reader is given time to help itself.
  std::chrono::milliseconds trouble_to_fault{1000};
};

struct CardArrived {
  Uid uid;
  /// It was there before anybody looked, or while the reader saw nothing: nobody has laid it on.
  bool lay_there{false};
};
/// `last_seen` is the last good answer: the end of presence for every decision about money.
struct CardLeft {
  Uid uid;
  SinceBoot last_seen{};
};
/// Two cards, or one that cannot be used; told once until the field is clear or a card arrives.
struct CardRefused {
  std::string why;
};
/// The reader does not work; a card that was present has been told as left before.
struct ReaderFailed {
  std::string what;
};
struct ReaderBack {};

using PresenceEvent = std::variant<CardArrived, CardLeft, CardRefused, ReaderFailed, ReaderBack>;

class CardPresence {
 public:
  explicit CardPresence(PresenceRules rules = {});
  /// Feeds one look; answers what changed (usually nothing), in the order in which it is to be
  /// acted upon. `now` never goes backwards. A pause between two looks that is longer than
  /// `longest_unreadable` ends a presence, even when the same card answers again.
  [[nodiscard]] std::vector<PresenceEvent> on(const Look& look, SinceBoot now);
  /// Before a look that has come so long after the one before it (a bus that hung): from
  /// `longest_unreadable` on nobody has seen how a card came that lies there now.
  void nobody_looked(std::chrono::nanoseconds time);
  /// The card that lies there now.
  [[nodiscard]] std::optional<Uid> present() const;

 private:
  struct Held {
    Uid uid;
    SinceBoot last_seen{};
  };
  using Events = std::vector<PresenceEvent>;

  void seen(const Uid& uid, SinceBoot now, Events& events);
  void silence(SinceBoot now, Events& events);
  void refuse(const std::string& why, Events& events);
  void unreadable(const std::string& what, Events& events);
  void trouble(const std::string& what, SinceBoot now, Events& events);
  void reader_works(Events& events);
  void release(Events& events);
  void forget_candidate();
  void break_silence();

  PresenceRules rules_;
  std::optional<Held> held_;
  std::optional<Uid> candidate_;
  int candidate_looks_{0};
  int silences_{0};
  std::optional<SinceBoot> silent_since_;
  int troubles_{0};
  std::optional<SinceBoot> trouble_since_;
  bool failed_{false};
  int refusals_{0};
  int unreadable_looks_{0};
  bool refusal_told_{false};
  enum class Field : std::uint8_t { not_looked_at, doubtful, was_clear };
  Field field_{
      Field::not_looked_at};  ///< Doubtful: until it is clear for as long as a card leaves.
};

}  // namespace tapd::drivers
