// Holds back the lines of the journal that say the same again and again: a card that flaps, a
// server that stays away. Nothing is lost but the repetition: the next line that comes through says
// how many there were. Pure: time goes in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "daemon/journal.hpp"
#include "storage/model/time.hpp"

namespace tapd {

class Repeats {
 public:
  /// One line of a kind, a tap and a text in so much time.
  static constexpr std::chrono::seconds window{60};
  /// Different lines that are remembered; beyond it the oldest is forgotten, and may come again.
  static constexpr std::size_t most_remembered = 256;

  /// The line as it is to be written; nullopt: it says what was said less than `window` ago.
  [[nodiscard]] std::optional<JournalLine> pass(JournalLine line, model::SinceBoot now);

 private:
  using Key = std::pair<Message, std::string>;  // the text names the tap
  struct Said {
    model::SinceBoot at{};
    std::int64_t held_back{0};
  };
  void forget_oldest();

  std::map<Key, Said> said_;
};

}  // namespace tapd
