#include "tests/demo/director.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "drivers/clock.hpp"
#include "tests/demo/books.hpp"
#include "tests/support/deadline.hpp"

namespace tapd::demo {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds frame{100};
/// A pause between two pictures that is worth telling when the story went wrong: a reader that does
/// not look for so long ends a pour.
constexpr milliseconds standstill{1'500};
/// tapd may leave so many questions in a row unanswered.
constexpr int most_silent_steps = 50;
/// Each pour has at least one progress on disk when it has come so far.
constexpr std::int64_t mid_pour_ml = 75;
/// PostgreSQL and GET /pours are asked at every so-and-so-many-th step.
constexpr std::size_t book_steps = 4;

Mood mood_of(const std::string& text) {
  if (text.find("REFUSED") != std::string::npos) return Mood::bad;
  return text.find("valve shuts") != std::string::npos ? Mood::busy : Mood::quiet;
}

}  // namespace

Director::Director(const Cast& cast, Story story, Bar& bar, Screen& screen, Interrupted interrupted)
    : story_{std::move(story)},
      bar_{bar},
      screen_{screen},
      interrupted_{std::move(interrupted)},
      began_{drivers::since_boot_now()},
      opening_{read_balances(bar.database())} {
  evening_.cast = cast;
  evening_.scenes = story_.scenes.size() + 1;
  evening_.server_up = true;
}

bool Director::play() {
  bar_.start_tapd();
  evening_.tapd_up = true;
  for (const Scene& scene : story_.scenes) {
    if (!play_scene(scene)) return false;
  }
  return true;
}

bool Director::play_scene(const Scene& scene) {
  begin(scene);
  while (!is_over(scene)) {
    if (interrupted_()) return false;
    const test::Deadline next{frame};
    step();
    show();
    [[maybe_unused]] const bool in_time = next.pause(frame);
  }
  return true;
}

void Director::begin(const Scene& scene) {
  evening_.scene = scene;
  ++evening_.scene_number;
  if (!screen_.is_live()) {
    screen_.print("");
    happen(fmt::format("--- {}/{} {}", evening_.scene_number, evening_.scenes, scene.title));
    for (const std::string& words : scene.words) screen_.print("           " + words);
  }
  carry_out(scene.incident);
  scene_began_ = drivers::since_boot_now();
  for (const Visit& visit : scene.visits) {
    evening_.guests.emplace_back(visit, story_.pace, scene_began_);
  }
}

void Director::carry_out(Incident incident) {
  switch (incident) {
    case Incident::none:
      return;
    case Incident::kill_server:
      bar_.kill_server();
      evening_.server_up = false;
      return happen("server: KILLED", Mood::bad);
    case Incident::start_server:
      bar_.start_server();
      evening_.server_up = true;
      return happen("server: started again, on the same port", Mood::good);
    case Incident::kill_tapd:
      return kill_tapd();
    case Incident::start_tapd:
      bar_.start_tapd();
      evening_.tapd_up = true;
      return happen("tapd: started again", Mood::good);
  }
}

void Director::kill_tapd() {
  watch_taps();  // what runs at this moment is what must be found again
  bar_.kill_tapd();
  evening_.tapd_up = false;
  happen("tapd: KILLED", Mood::bad);
  for (const TapStatus& tap : evening_.status.taps) {
    if (!tap.receipt.empty()) ++cut_off_;
  }
  const Instant now = drivers::since_boot_now();
  for (Guest& guest : evening_.guests) {
    if (guest.pulls()) cut_off_rates_[guest.visit().tap] = guest.visit().ml_per_s;
    carry_out(guest, guest.tapd_died(now));
  }
}

bool Director::is_over(const Scene& scene) const {
  const Instant played = drivers::since_boot_now() - scene_began_;
  if (played < scene.at_least) return false;
  if (played >= scene.at_most) return true;
  switch (scene.ending) {
    case Ending::time_is_up:
      return true;
    case Ending::taps_in_mid_pour:
      return taps_are_in_mid_pour();
    case Ending::all_is_booked:
      return evening_.guests.empty() && evening_.status.queue.waiting == 0 &&
             evening_.status.queue.open == 0;
  }
  return true;
}

bool Director::taps_are_in_mid_pour() const {
  return std::all_of(evening_.guests.begin(), evening_.guests.end(), [this](const Guest& guest) {
    const TapStatus* const tap = evening_.tap(guest.visit().tap);
    return guest.visit().expect == Expectation::is_cut_off && guest.pulls() && tap != nullptr &&
           tap->volume_ml >= mid_pour_ml;
  });
}

void Director::step() {
  bar_.check_parts();
  if (evening_.tapd_up) {
    watch_taps();
    move_guests();
  }
  if (steps_++ % book_steps == 0) watch_pours();
}

void Director::watch_taps() {
  auto status = bar_.ask_status();
  if (!status) {
    if (++silent_steps_ < most_silent_steps) return;
    throw std::runtime_error{"tapd runs but does not answer: " + status.error()};
  }
  silent_steps_ = 0;
  evening_.status = *std::move(status);
  for (const TapStatus& tap : evening_.status.taps) {
    if (!tap.receipt.empty() && tap.volume_ml > 0) seen_.insert(tap.receipt);
  }
}

void Director::watch_pours() {
  const Booked booked = bar_.ask_booked();
  evening_.booked_pours = booked.pours;
  evening_.booked_cents = booked.cents;
  if (!evening_.tapd_up) return;
  const auto told = bar_.ask_pours();
  if (!told) return;  // watch_taps counts silence
  std::int64_t confirmed = 0;
  for (auto pour = told->rbegin(); pour != told->rend(); ++pour) {  // newest came first
    if (pour->status == "open") continue;
    PourRecord& known = evening_.pours[pour->client_tx_id];
    if (known.client_tx_id.empty()) tell_of(*pour);
    if (pour->status == "confirmed" && known.status != "confirmed" && pour->volume_ml > 0) {
      ++confirmed;
    }
    known = *pour;
  }
  if (confirmed > 0) {
    happen(fmt::format("server: has booked {} pour{}", confirmed, confirmed == 1 ? "" : "s"),
           Mood::good);
  }
}

void Director::tell_of(const PourRecord& pour) {
  evening_.last_pour[pour.tap] = pour.client_tx_id;
  const std::string words = in_words(pour, evening_.cast);
  if (pour.stop_reason == "power_loss") {
    happen(fmt::format("tap {}: found and finished: {}", pour.tap, words), Mood::good);
  } else if (pour.volume_ml > 0) {
    happen(fmt::format("tap {}: recorded: {}", pour.tap, words));
  }
}

void Director::move_guests() {
  const Instant now = drivers::since_boot_now();
  for (Guest& guest : evening_.guests) {
    const TapStatus* const tap = evening_.tap(guest.visit().tap);
    if (tap == nullptr) throw std::runtime_error{"the story has a tap that tapd does not have"};
    carry_out(guest, guest.step(*tap, !others_are_at(guest), now));
  }
  std::erase_if(evening_.guests, [](const Guest& guest) { return guest.is_gone(); });
}

bool Director::others_are_at(const Guest& guest) const {
  return std::any_of(evening_.guests.begin(), evening_.guests.end(), [&](const Guest& other) {
    return &other != &guest && other.visit().tap == guest.visit().tap && other.is_there();
  });
}

void Director::carry_out(const Guest& guest, const Doings& doings) {
  for (const std::string& command : doings.commands) {
    const auto done = bar_.simulate(command);
    if (!done) throw std::runtime_error{fmt::format("\"{}\": {}", command, done.error())};
  }
  if (guest.pulls()) {
    std::int64_t& fastest = fastest_[guest.visit().tap];
    fastest = std::max(fastest, guest.visit().ml_per_s);
  }
  for (const std::string& words : doings.words) happen(words, mood_of(words));
  if (guest.is_gone()) judge_visit(guest);
}

void Director::judge_visit(const Guest& guest) {
  const Outcome outcome = guest.outcome().value_or(Outcome::came_to_nothing);
  const Visit& visit = guest.visit();
  if (fits(visit.expect, outcome)) return;
  faults_.push_back(fmt::format("in the story {} {} at tap {}, but here {} {}{}{}", visit.guest,
                                to_text(visit.expect), visit.tap, visit.guest, to_text(outcome),
                                guest.refusal().empty() ? "" : ": ", guest.refusal()));
}

Books Director::close_the_books() {
  evening_.scene = closing_time();
  ++evening_.scene_number;
  watch_pours();
  show();
  Books books;
  const auto told = bar_.ask_pours();
  if (!told) throw std::runtime_error{"tapd does not tell its pours: " + told.error()};
  books.told = *told;
  bar_.stop_tapd();
  books.ledger = read_ledger(bar_.ledger_file());
  books.server = read_server(bar_.database());
  books.balances = read_balances(bar_.database());
  for (std::size_t i = 0; i < books.balances.size() && i < opening_.size(); ++i) {
    books.balances[i].before_cents = opening_[i].before_cents;  // both are in the order of the ids
  }
  books.taps = tap_facts();
  books.seen = seen_;
  books.must_not_pour = guests_to_be_refused();
  books.foreseen_cut_off = cut_off_;
  books.story_faults = faults_;
  for (const Guest& guest : evening_.guests) {
    books.story_faults.push_back(
        fmt::format("{} never got done at tap {}", guest.visit().guest, guest.visit().tap));
  }
  if (!books.story_faults.empty() && longest_pause_ >= standstill) {
    books.story_faults.push_back(
        fmt::format("(this machine stood still for {} ms in the middle of it: is it overloaded?)",
                    longest_pause_.count()));
  }
  bar_.stop_server();
  return books;
}

std::vector<TapFacts> Director::tap_facts() const {
  const auto of = [](const auto& rates, std::int64_t tap) {
    const auto found = rates.find(tap);
    return found == rates.end() ? std::int64_t{0} : found->second;
  };
  const std::vector<std::int64_t> ran = read_truth_ul(bar_.truth_file());
  std::vector<TapFacts> facts;
  for (std::size_t i = 0; i < evening_.cast.taps.size(); ++i) {
    const std::int64_t tap = evening_.cast.taps[i].number;
    facts.push_back({.tap = tap,
                     .ran_ul = ran.at(i),
                     .pulses_per_litre = pulses_per_litre.at(i),
                     .fastest_ml_per_s = of(fastest_, tap),
                     .cut_off_ml_per_s = of(cut_off_rates_, tap)});
  }
  return facts;
}

std::set<std::string> Director::guests_to_be_refused() const {
  std::set<std::string> refused;
  for (const CastGuest& guest : evening_.cast.guests) {
    bool comes = false;
    bool always_refused = true;
    for (const Scene& scene : story_.scenes) {
      for (const Visit& visit : scene.visits) {
        if (visit.guest != guest.name) continue;
        comes = true;
        always_refused = always_refused && visit.expect == Expectation::is_refused;
      }
    }
    if (comes && always_refused) refused.insert(guest.id);
  }
  return refused;
}

void Director::happen(const std::string& text, Mood mood) {
  const auto at = std::chrono::duration_cast<milliseconds>(drivers::since_boot_now() - began_);
  evening_.events.push_back({.at = at, .text = text, .mood = mood});
  if (!screen_.is_live()) screen_.print(log_line(evening_.events.back(), screen_.brush()));
}

void Director::show() {
  const Instant now = drivers::since_boot_now();
  evening_.elapsed = std::chrono::duration_cast<milliseconds>(now - began_);
  if (shown_at_ != Instant{}) {
    longest_pause_ =
        std::max(longest_pause_, std::chrono::duration_cast<milliseconds>(now - shown_at_));
  }
  shown_at_ = now;
  screen_.show(paint(evening_));
}

}  // namespace tapd::demo
