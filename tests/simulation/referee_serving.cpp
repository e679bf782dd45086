// The referee's part for what the law lets one guest have, and for the card that opens staff's menu
// at a tap: who laid it there, what it chose, and that a lift is for one pour.
#include <algorithm>

#include "daemon/core/service_menu.hpp"
#include "referee.hpp"

namespace tapd::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Time lift_lasts = 30s;  ///< `policy.lift_s`, as it is without configuration.
/// Between the moment that a pour's age is counted from, and the one that is noted here.
constexpr Time moments_apart = 5s;

/// What was held from the balance for it buys so much.
std::int64_t most_of(const auto& pour) {
  return pour.begin.hold.minor_units() * 1'000 / pour.begin.price.minor_per_litre();
}

std::size_t place_of(model::TapId tap) {
  return static_cast<std::size_t>(tap.number() - 1);
}

}  // namespace

/// Nothing is done for a card that does not lie there, nor with the wrong one. Only a work that
/// runs may be stopped by any.
void Referee::on_note(const NoteAct& note) const {
  const std::size_t tap = place_of(note.tap);
  const bool of_staff = note.card == card_of(staff_member);
  if (!of_staff && note.act != ServiceAct::stop) {
    throw Breach{"menu",
                 fmt::format("card {} opens the menu at tap {}", note.card.text(), tap + 1)};
  }
  const auto seen = rigs_[tap]->last_there(note.card.bytes());
  const Time absent = agenda_.now() - seen.value_or(Time::min() / 2);
  const Time busy = std::max(board_busy_until - agenda_.now() + 1s, Time{0});
  if (absent <= longest_absence + busy) return;
  throw Breach{"menu", fmt::format("card {} does an act at tap {}, {} ms after it was taken away",
                                   note.card.text(), tap + 1, absent / 1ms)};
}

void Referee::on_noted(const ActNoted& noted) {
  if (!noted.result) return;
  TapWatch& watch = watches_[place_of(noted.tap)];
  if (const auto work = work_of(noted.act)) watch.chosen = usual_work(*work);
  if (noted.act == ServiceAct::lift_limits) watch.lifted_at = agenda_.now();
}

void Referee::take_lift(Pour& pour, const BeginRow& row) {
  if (!row.serving || !row.serving->lifted_by) return;
  pour.lifted_at = std::exchange(watches_[pour.tap].lifted_at, std::nullopt);
  const Time grace = plan_.has(Fault::busy_board) ? 2s : 0s;
  if (pour.lifted_at && agenda_.now() - *pour.lifted_at < lift_lasts + grace) return;
  throw Breach{"limits", fmt::format("{} is free of the serving limits, and nobody lifted them",
                                     pour.begin.client_tx_id.text())};
}

void Referee::on_begun(const BeginRowDone& begun) {
  Pour& pour = book_.at(begun.client_tx_id);
  pour.begun = begun.result && !*begun.result;
  TapWatch& watch = watches_[pour.tap];
  if (pour.begun) return check_serving(pour);
  if (watch.pour == begun.client_tx_id) watch.pour.reset();
  if (pour.lifted_at) watch.lifted_at = pour.lifted_at;
}

/// What it may come to, and all that its guest had before it.
void Referee::check_serving(const Pour& pour) const {
  if (!bounds_.serving || pour.lifted_at) return;
  const std::int64_t most_ml = most_of(pour);
  const std::int64_t rounding_ml = 1'000 / pour.begin.price.minor_per_litre() + 1;
  const auto bound = [&](std::int64_t ml, std::int64_t allowed, const char* what) {
    if (ml <= allowed + rounding_ml) return;
    throw Breach{"limits", fmt::format("{} may come to {} ml {}, {} are allowed",
                                       pour.begin.client_tx_id.text(), ml, what, allowed)};
  };
  bound(most_ml, bounds_.serving->per_pour->in_millilitres(), "in one glass");
  // Of two boots only the wall clock tells how long it was; and a card's lost blocks may have held
  // what was served.
  if (plan_.has(Fault::clock_jumps) || restored_) return;
  const auto at_once = static_cast<std::int64_t>(most_at_once(pour.begin.guest_id.text()));
  const std::int64_t since_decided = (at_once - 1) * overshoot_ml();
  bound(most_ml + served(pour), bounds_.serving->in_window->in_millilitres() + since_decided,
        "with what its guest had");
}

/// What the same guest had within the window before this pour, at the least.
std::int64_t Referee::served(const Pour& pour) const {
  std::int64_t sum = 0;
  for (const auto& [id, other] : book_) {
    const Time ago = pour.since - other.since;
    const bool counts = &other != &pour && other.begun && ago >= 0s &&
                        ago < bounds_.serving->window - moments_apart &&
                        other.begin.guest_id == pour.begin.guest_id;
    if (!counts) continue;
    const auto row = rows_.find(id);
    const bool recorded = row != rows_.end() && row->second.status != model::PourStatus::open;
    if (recorded) {
      sum += row->second.volume.in_millilitres();
    } else {
      sum += other.end ? other.end->last.volume.in_millilitres() : most_of(other);
    }
  }
  return sum;
}

}  // namespace tapd::simulation
