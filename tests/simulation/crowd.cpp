#include "crowd.hpp"

namespace tapd::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t stranger = 60'000;  ///< A card that the venue does not know.
constexpr Time one_turn = 60s;            ///< Of the last round.

drivers::Uid uid_of(std::size_t guest) {
  drivers::Uid uid;
  const auto card = card_of(guest);
  std::copy(card.bytes().begin(), card.bytes().end(), uid.bytes.begin());
  uid.size = static_cast<std::uint8_t>(card.bytes().size());
  return uid;
}

/// The same moment if the bar is open then, else the next opening.
Time when_open(Time at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const Time into = at - day;
  // It closes at two: the small hours belong to the day before.
  if (into < opens_at + open_for - 24h) return at;
  return into < opens_at ? day + opens_at + (into % 37min) : at;
}

}  // namespace

Crowd::Crowd(Site& site) : site_{site}, places_(site.rigs.size()) {
  for (std::size_t tap = 0; tap < places_.size(); ++tap) {
    places_[tap].random = site.plan.stream(300 + tap);
    expect_next(tap);
  }
}

void Crowd::go_home() {
  ++round_;
  for (const auto& rig : site_.rigs) {
    rig->physics().pull(0);
    rig->lay({});
  }
}

void Crowd::last_round() {
  ++round_;
  for (std::size_t tap = 0; tap < places_.size(); ++tap) {
    const std::size_t guest = tap % static_cast<std::size_t>(site_.plan.guests);
    const Time at = site_.agenda.now() + (tap + 1) * one_turn;
    lay(tap, at, {guest});
    if (site_.plan.tap_to_start) lay(tap, at + 2s, {});
    pull(tap, at + 3s, 60);
    pull(tap, at + 8s, 0);
    if (site_.plan.tap_to_start) lay(tap, at + 9s, {guest});
    lay(tap, at + 11s, {});
  }
}

Time Crowd::last_round_lasts() const {
  return (places_.size() + 1) * one_turn;
}

void Crowd::then(Time at, Step step) {
  site_.agenda.at(at, [this, round = round_, step = std::move(step)] {
    if (round == round_) step();
  });
}

Time Crowd::between(std::size_t tap, std::chrono::milliseconds from, std::chrono::milliseconds to) {
  return std::chrono::milliseconds{places_[tap].random.between(from.count(), to.count())};
}

void Crowd::expect_next(std::size_t tap) {
  const auto mean =
      std::chrono::duration_cast<std::chrono::milliseconds>(open_for) / site_.plan.visits_a_day;
  const Time at = when_open(site_.agenda.now() + between(tap, 5'000ms, 2 * mean));
  then(at, [this, tap] {
    arrive(tap);
    expect_next(tap);
  });
}

void Crowd::arrive(std::size_t tap) {
  Place& place = places_[tap];
  if (place.taken) return;
  place.taken = true;
  place.guest = place.random.below(static_cast<std::uint64_t>(site_.plan.guests));
  if (place.random.chance(3)) place.guest = stranger;
  visit(tap);
}

void Crowd::visit(std::size_t tap) {
  Place& place = places_[tap];
  site_.trace.say("guest {} comes to tap {}", place.guest + 1, tap + 1);
  Time at = site_.agenda.now();
  if (site_.plan.has(Fault::twin_cards) && site_.rigs.size() > 1 && place.random.chance(25)) {
    // The same guest at the next tap, with a copy of the card.
    const std::size_t other = (tap + 1) % places_.size();
    if (!places_[other].taken) {
      places_[other].taken = true;
      places_[other].guest = place.guest;
      Time there = at + between(other, 0ms, 2'000ms);
      pour_calmly(other, there);
      then(there + 1s, [this, other] { places_[other].taken = false; });
    }
  }
  if (site_.plan.has(Fault::serving_limits) && place.random.chance(20)) use_menu(tap, at);
  if (site_.plan.has(Fault::hostile) && place.random.chance(40)) {
    be_hostile(tap, at);
  } else if (site_.plan.tap_to_start) {
    tap_twice(tap, at);
  } else {
    pour_calmly(tap, at);
  }
  then(at + 1s, [this, tap] { places_[tap].taken = false; });
}

void Crowd::pour_calmly(std::size_t tap, Time& at) {
  Place& place = places_[tap];
  lay(tap, at, {place.guest});
  const auto habit = place.random.below(100);
  at += between(tap, 100ms, 2'500ms);
  if (habit < 80) {
    pull(tap, at, place.random.between(25, 95));
    at += between(tap, 1'000ms, 9'000ms);
    if (place.random.chance(20)) {  // Looks at the glass, and goes on.
      pull(tap, at, 0);
      at += between(tap, 300ms, 4'000ms);
      pull(tap, at, place.random.between(25, 95));
      at += between(tap, 500ms, 4'000ms);
    }
    if (place.random.chance(70)) pull(tap, at, 0);
  } else if (habit < 90) {
    pull(tap, at, place.random.between(60, 95));  // Until there is no more.
    at += between(tap, 20'000ms, 70'000ms);
  } else if (habit < 98) {
    at += between(tap, 200ms, 90'000ms);  // Has forgotten what for.
  } else {
    pull(tap, at, 15);  // Only the cap on the valve's time ends this.
    at += between(tap, 65'000ms, 120'000ms);
  }
  at += between(tap, 0ms, 1'500ms);
  lay(tap, at, {});
  pull(tap, at + between(tap, 0ms, 1'000ms), 0);
  at += 1s;
}

void Crowd::tap_twice(std::size_t tap, Time& at) {
  Place& place = places_[tap];
  lay(tap, at, {place.guest});
  at += between(tap, 300ms, 1'500ms);
  lay(tap, at, {});
  pull(tap, at, place.random.between(25, 95));
  at += between(tap, 1'000ms, 9'000ms);
  pull(tap, at, 0);
  if (place.random.chance(80)) {
    lay(tap, at, {place.guest});
    at += between(tap, 300ms, 1'500ms);
    lay(tap, at, {});
  }
  at += between(tap, 500ms, 4'000ms);
}

void Crowd::be_hostile(std::size_t tap, Time& at) {
  Place& place = places_[tap];
  const std::size_t other = (place.guest + 1) % static_cast<std::size_t>(site_.plan.guests);
  pull(tap, at, place.random.between(15, 100));
  switch (place.random.below(5)) {
    case 0:
      flap(tap, at);
      break;
    case 1:  // Away again at any moment.
      lay(tap, at, {place.guest});
      at += between(tap, 0ms, 4'000ms);
      lay(tap, at, {});
      break;
    case 2:  // A second card on top.
      lay(tap, at, {place.guest});
      at += between(tap, 0ms, 4'000ms);
      lay(tap, at, {place.guest, other});
      at += between(tap, 0ms, 4'000ms);
      lay(tap, at, {place.random.chance(50) ? place.guest : other});
      at += between(tap, 0ms, 4'000ms);
      break;
    case 3:  // Another card in its place.
      lay(tap, at, {place.guest});
      at += between(tap, 0ms, 4'000ms);
      lay(tap, at, {other});
      at += between(tap, 0ms, 6'000ms);
      break;
    default:  // Two at once.
      lay(tap, at, {place.guest, other});
      at += between(tap, 0ms, 3'000ms);
      break;
  }
  lay(tap, at, {});
  pull(tap, at + between(tap, 0ms, 2'000ms), 0);
  at += 2s;
}

void Crowd::flap(std::size_t tap, Time& at) {
  for (auto times = places_[tap].random.between(2, 15); times > 0; --times) {
    lay(tap, at, {places_[tap].guest});
    at += between(tap, 10ms, 1'200ms);
    lay(tap, at, {});
    at += between(tap, 10ms, 600ms);
  }
}

/// Staff go to the tap first, with their card: each touch is the next act, and holding it does one.
void Crowd::use_menu(std::size_t tap, Time& at) {
  Place& place = places_[tap];
  for (auto touches = place.random.below(5); touches > 0; --touches) {
    lay(tap, at, {staff_member});
    at += between(tap, 400ms, 1'200ms);
    lay(tap, at, {});
    at += between(tap, 300ms, 2'500ms);
  }
  lay(tap, at, {staff_member});
  at += between(tap, 2'500ms, 6'000ms);
  if (place.random.chance(70)) lay(tap, at, {});  // Else the guest's card comes on top of it.
  pull(tap, at, place.random.between(10, 95));
  at += between(tap, 500ms, 35'000ms);
  pull(tap, at, 0);
  if (!place.random.chance(70)) return;
  lay(tap, at, {staff_member});
  at += between(tap, 300ms, 1'500ms);
  lay(tap, at, {});
  at += between(tap, 300ms, 2'000ms);
}

void Crowd::lay(std::size_t tap, Time at, std::vector<std::size_t> guests) {
  then(at, [this, tap, guests = std::move(guests)] {
    std::vector<drivers::Uid> cards;
    for (const std::size_t guest : guests) cards.push_back(uid_of(guest));
    site_.trace.say("tap {}: {} cards lie there{}", tap + 1, cards.size(),
                    guests.empty() ? "" : fmt::format(", of guest {}", guests.front() + 1));
    site_.rigs[tap]->lay(std::move(cards));
  });
}

void Crowd::pull(std::size_t tap, Time at, std::int64_t ml_per_s) {
  then(at, [this, tap, ml_per_s] {
    site_.trace.count(static_cast<std::uint64_t>(ml_per_s));
    site_.rigs[tap]->physics().pull(static_cast<double>(ml_per_s));
    site_.rigs[tap]->changed();
  });
}

}  // namespace tapd::simulation
