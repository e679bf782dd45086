#include "tests/demo/guest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace tapd::demo {
namespace {

using std::chrono::milliseconds;

/// From the open valve to the hand on the handle.
constexpr milliseconds reaction{500};
/// From the full glass to the card taken away.
constexpr milliseconds farewell{700};
/// So long a guest looks at a refusal.
constexpr milliseconds dismay{2'200};
/// From a try that came to nothing to the next.
constexpr milliseconds second_thoughts{1'000};
/// So long a guest waits for the tap to say anything; not paced: machines are not either.
constexpr milliseconds patience{6'000};

/// A denial that says nothing about the guest: the ledger or the disk was too slow.
constexpr std::string_view no_answer = "ledger_unavailable";

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> reasons{{
    {"unknown_card", "nobody knows this card"},
    {"lost_card", "this card was reported lost"},
    {"inactive_card", "this card is not active"},
    {"inactive_guest", "this account is not active"},
    {"insufficient_funds", "the balance is too small"},
    {"balance_too_old", "the balance known here is too old"},
    {"offline_not_allowed", "the server cannot be asked"},
    {"emergency_stop", "emergency stop"},
    {"tap_not_active", "the tap is out of service"},
    {"no_keg", "no keg"},
    {"refused_by_server", "the server says no"},
    {"ledger_unavailable", "the ledger does not answer"},
}};

}  // namespace

std::string in_words(const std::string& reason) {
  const auto* const found = std::find_if(reasons.begin(), reasons.end(),
                                         [&](const auto& entry) { return entry.first == reason; });
  return found == reasons.end() ? reason : std::string{found->second};
}

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::poured:
      return "poured";
    case Outcome::ran_dry:
      return "was stopped at the limit";
    case Outcome::was_refused:
      return "was refused";
    case Outcome::was_cut_off:
      return "was cut off";
    case Outcome::came_to_nothing:
      return "got no answer from the tap";
  }
  return "did what nobody can name";
}

bool fits(Expectation expectation, Outcome outcome) {
  switch (expectation) {
    case Expectation::pours:
      return outcome == Outcome::poured;
    case Expectation::runs_dry:
      return outcome == Outcome::ran_dry;
    case Expectation::is_refused:
      return outcome == Outcome::was_refused;
    case Expectation::is_cut_off:
      return outcome == Outcome::was_cut_off;
  }
  return false;
}

Guest::Guest(Visit visit, const Pace& pace, Instant scene_began)
    : visit_{std::move(visit)}, pace_{pace}, comes_at_{scene_began + visit_.at} {}

bool Guest::is_there() const {
  return stage_ != Stage::on_the_way && stage_ != Stage::gone;
}

Doings Guest::step(const TapStatus& tap, bool may_come, Instant now) {
  Doings doings;
  switch (stage_) {
    case Stage::on_the_way:
      if (now < comes_at_ || !may_come || tap.state != "idle") break;
      doings.commands = {command("handle", "0"), command("card", visit_.card)};
      doings.words.push_back(fmt::format("tap {}: {} lays down a card{}{}", visit_.tap,
                                         visit_.guest, visit_.remark.empty() ? "" : ": ",
                                         visit_.remark));
      ++tries_;
      enter(Stage::asking, now);
      break;
    case Stage::asking:
      ask(tap, now, doings);
      break;
    case Stage::reaching:
      reach(tap, now, doings);
      break;
    case Stage::pulling:
      pull(tap, now, doings);
      break;
    case Stage::leaving:
      if (now >= leaves_at_) go(now, doings);
      break;
    case Stage::gone:
      break;
  }
  return doings;
}

Doings Guest::tapd_died(Instant now) {
  Doings doings;
  if (!is_there()) return doings;
  const bool was_served = stage_ == Stage::reaching || stage_ == Stage::pulling;
  if (stage_ == Stage::pulling) {
    doings.words.push_back(
        fmt::format("tap {}: {}'s beer stops; {} ml had been seen on the display", visit_.tap,
                    visit_.guest, seen_ml_));
  }
  if (!outcome_) outcome_ = was_served ? Outcome::was_cut_off : Outcome::came_to_nothing;
  enter(Stage::gone, now);
  return doings;
}

void Guest::ask(const TapStatus& tap, Instant now, Doings& doings) {
  if (tap.valve_open) {
    doings.words.push_back(fmt::format(
        "tap {}: open for {}, up to {} ml, {}", visit_.tap, tap.guest, tap.limit_ml,
        tap.authorized_by == "server" ? "says the server" : "from the balance known here"));
    enter(Stage::reaching, now);
  } else if (tap.state == "denied" && tap.reason != no_answer) {
    refusal_ = tap.reason;
    doings.words.push_back(fmt::format("tap {}: REFUSED: {}", visit_.tap, in_words(tap.reason)));
    leave(Outcome::was_refused, paced(dismay), now);
  } else if (tap.state == "denied" || tap.state == "locked" || tap.state == "faulted") {
    doings.words.push_back(fmt::format("tap {}: {} cannot be served: {}", visit_.tap, visit_.guest,
                                       in_words(tap.reason)));
    leave(Outcome::came_to_nothing, paced(dismay), now);
  } else if (now - entered_ >= patience) {
    doings.words.push_back(
        fmt::format("tap {}: {} gives up: the tap says nothing", visit_.tap, visit_.guest));
    leave(Outcome::came_to_nothing, milliseconds{0}, now);
  }
}

void Guest::reach(const TapStatus& tap, Instant now, Doings& doings) {
  if (!tap.valve_open) return leave(Outcome::came_to_nothing, paced(farewell), now);
  if (now - entered_ < paced(reaction)) return;
  doings.commands = {command("handle", std::to_string(visit_.ml_per_s))};
  enter(Stage::pulling, now);
}

void Guest::pull(const TapStatus& tap, Instant now, Doings& doings) {
  if (!tap.valve_open) {
    const bool at_limit = tap.reason == "limit_reached";
    doings.words.push_back(fmt::format("tap {}: the valve shuts on {}: {}", visit_.tap,
                                       visit_.guest,
                                       at_limit ? "that is all the balance pays for" : tap.reason));
    return leave(at_limit ? Outcome::ran_dry : Outcome::came_to_nothing, paced(farewell), now);
  }
  seen_ml_ = tap.volume_ml;
  if (tap.volume_ml < visit_.want_ml) return;
  doings.commands = {command("handle", "0")};
  leave(Outcome::poured, paced(farewell), now);
}

/// Takes the card away, for good or for another try.
void Guest::go(Instant now, Doings& doings) {
  doings.commands = {command("handle", "0"), command("card", "none")};
  if (outcome_ != Outcome::came_to_nothing || tries_ >= most_tries) return enter(Stage::gone, now);
  doings.words.push_back(fmt::format("tap {}: {} will try again", visit_.tap, visit_.guest));
  visit_.want_ml = std::max<std::int64_t>(visit_.want_ml - std::exchange(seen_ml_, 0), 1);
  outcome_.reset();
  comes_at_ = now + paced(second_thoughts);
  enter(Stage::on_the_way, now);
}

void Guest::enter(Stage stage, Instant now) {
  stage_ = stage;
  entered_ = now;
}

void Guest::leave(Outcome outcome, milliseconds after, Instant now) {
  outcome_ = outcome;
  leaves_at_ = now + after;
  enter(Stage::leaving, now);
}

std::string Guest::command(const char* verb, const std::string& value) const {
  return fmt::format("{} {} {}", verb, visit_.tap, value);
}

milliseconds Guest::paced(milliseconds duration) const {
  return duration * pace_.times / 100;
}

}  // namespace tapd::demo
