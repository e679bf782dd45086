// Plays the story: makes the incidents happen, moves the guests, watches tapd, the server's
// database and the processes, shows it all on the screen, and remembers what the verdict must know
// (receipts seen, visits that went wrong, how hard was pulled). One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/demo/bar.hpp"
#include "tests/demo/evening.hpp"
#include "tests/demo/terminal.hpp"
#include "tests/demo/verdict.hpp"

namespace tapd::demo {

/// True when the user wants the demo to end.
using Interrupted = std::function<bool()>;

class Director {
 public:
  /// The server must run, and nobody may have poured yet.
  Director(const Cast& cast, Story story, Bar& bar, Screen& screen, Interrupted interrupted);

  /// Starts tapd and plays all scenes; false when interrupted. Throws when a part cannot be
  /// started, or has ended without being told to.
  [[nodiscard]] bool play();
  /// Stops tapd and reads all books. After `play`.
  [[nodiscard]] Books close_the_books();

 private:
  [[nodiscard]] bool play_scene(const Scene& scene);
  void begin(const Scene& scene);
  void carry_out(Incident incident);
  void kill_tapd();
  [[nodiscard]] bool is_over(const Scene& scene) const;
  [[nodiscard]] bool taps_are_in_mid_pour() const;

  void step();
  void watch_taps();
  void watch_pours();
  void tell_of(const PourRecord& pour);
  void move_guests();
  void carry_out(const Guest& guest, const Doings& doings);
  void judge_visit(const Guest& guest);
  [[nodiscard]] bool others_are_at(const Guest& guest) const;
  [[nodiscard]] std::vector<TapFacts> tap_facts() const;
  [[nodiscard]] std::set<std::string> guests_to_be_refused() const;

  void happen(const std::string& text, Mood mood = Mood::quiet);
  void show();

  Story story_;
  Bar& bar_;
  Screen& screen_;
  Interrupted interrupted_;
  Evening evening_;
  Instant began_;
  Instant scene_began_{};
  std::size_t steps_{0};
  int silent_steps_{0};  ///< tapd runs, but gave no answer.
  Instant shown_at_{};
  std::chrono::milliseconds longest_pause_{};  ///< Between two pictures.

  std::vector<Balance> opening_;
  std::set<std::string> seen_;
  std::map<std::int64_t, std::int64_t> fastest_;        ///< Tap to ml/s.
  std::map<std::int64_t, std::int64_t> cut_off_rates_;  ///< Taps that poured at the kill, to ml/s.
  std::int64_t cut_off_{0};
  std::vector<std::string> faults_;
};

}  // namespace tapd::demo
