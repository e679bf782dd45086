// One random schedule of faults: a bar, a venue, a network and a day of its own from one seed,
// played in virtual time, and what must be true at its end. The schedules test and the bench play
// them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/sync/play.hpp"
#include "tests/sync/test_books.hpp"
#include "tests/sync/venue.hpp"

namespace tapd::sync::test {

/// What one seed decides.
struct Plan {
  explicit Plan(std::uint64_t seed);

  std::chrono::milliseconds time();

  Dice dice;
  std::uint64_t pours{0};
  EngineOptions options;
  Faults faults;
  std::vector<Outage> outages;
};

/// Plays one seed; answers what went wrong, or nothing.
class Schedule {
 public:
  /// At a venue in memory.
  Schedule(std::uint64_t seed, TestBooks& books);
  /// At this venue, which must outlive it and knows no guests yet. Its server cannot be told to
  /// turn rows down.
  Schedule(std::uint64_t seed, TestBooks& books, Venue& venue);
  std::string run();
  Play& play() { return play_; }
  [[nodiscard]] std::uint64_t pours() const { return poured_; }

 private:
  [[nodiscard]] std::string verdict();
  [[nodiscard]] std::string other_content() const;
  [[nodiscard]] std::string reasons(const model::ClientTxId& row) const;
  [[nodiscard]] std::string balances();

  void populate(bool turns_down);
  void plan_visit(std::uint64_t guest, std::chrono::milliseconds when, std::uint64_t number);

  std::uint64_t seed_;
  Plan plan_;
  TestBooks& books_;
  Venue memory_;
  Venue& venue_;
  std::uint64_t poured_{0};
  bool locks_end_{false};  ///< Nothing repeats an authorization, and nobody forgets one.
  std::map<model::ClientTxId, int> turned_down_;  ///< How often the server says "not now".
  Play play_;
};

}  // namespace tapd::sync::test
