#include "plan.hpp"

#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tapd::simulation {
namespace {

constexpr std::array<std::string_view, fault_count> names{"reader_flicker",   "reader_hang",
                                                          "reader_silence",   "meter_drift",
                                                          "meter_bounce",     "meter_lost_edges",
                                                          "meter_noise",      "meter_silent",
                                                          "meter_gone",       "foam",
                                                          "short_kegs",       "leak",
                                                          "valve_slow",       "valve_stuck_open",
                                                          "valve_stuck_shut", "valve_deaf",
                                                          "busy_board",       "disk_slow",
                                                          "disk_error",       "disk_full",
                                                          "net_down",         "net_loss",
                                                          "net_slow",         "net_nonsense",
                                                          "server_errors",    "server_down",
                                                          "token_refused",    "clock_unset",
                                                          "clock_jumps",      "kills",
                                                          "power_cuts",       "restarts",
                                                          "emergency_stop",   "tap_locked",
                                                          "rejected_rows",    "lost_cards",
                                                          "prices",           "other_bar",
                                                          "hostile",          "twin_cards",
                                                          "night_power",      "upgrades",
                                                          "spoilt_card",      "staff",
                                                          "cards_pass",       "serving_limits",
                                                          "disk_unreadable"};

/// Later ones are drawn after all the rest, so that a seed stays the bar it was but for them.
constexpr std::size_t first_faults = 41;
constexpr std::size_t drawn_in_turn = 42;
constexpr std::array meters{450'000, 450'000, 450'000, 1'000'000, 5'600'000};

}  // namespace

std::string_view to_text(Fault fault) {
  return names.at(static_cast<std::size_t>(fault));
}

Fault fault_named(std::string_view name) {
  for (std::size_t i = 0; i < fault_count; ++i) {
    if (names.at(i) == name) return static_cast<Fault>(i);
  }
  throw std::invalid_argument{
      fmt::format("there is no fault \"{}\"; there are {}", name, fmt::join(names, ", "))};
}

Random Plan::stream(std::uint64_t use) const {
  Random mixed{seed * 0x2545F4914F6CDD1DU + use};
  mixed.next();
  return Random{mixed.next()};
}

Plan draw_plan(std::uint64_t seed) {
  Plan plan;
  plan.seed = seed;
  Random random = plan.stream(0);
  plan.days = random.between(6, 30);
  plan.taps = static_cast<std::size_t>(random.between(1, 8));
  plan.guests = random.between(3, 20);
  plan.visits_a_day = random.between(2, 12);
  plan.milli_pulses_per_litre = meters.at(random.below(meters.size()));
  plan.cached_first = random.chance(25);
  plan.tap_to_start = random.chance(15);
  // One run in ten is a bar without faults, one in ten has a third of everything.
  const std::uint64_t share = random.chance(10) ? 0 : random.chance(11) ? 35 : 15;
  for (std::size_t i = 0; i < first_faults; ++i) plan.faults[i] = random.chance(share);
  // What everything else is about is in every second run that has faults at all.
  const auto often = [&](Fault fault, std::uint64_t percent) {
    if (share > 0 && random.chance(percent)) plan.faults.set(static_cast<std::size_t>(fault));
  };
  often(Fault::power_cuts, 50);
  often(Fault::kills, 35);
  often(Fault::net_down, 40);
  often(Fault::net_loss, 40);
  often(Fault::hostile, 40);
  if (random.chance(65)) plan.faults.set(static_cast<std::size_t>(Fault::night_power));
  for (std::size_t i = first_faults; i < drawn_in_turn; ++i) plan.faults[i] = random.chance(share);
  plan.faults[drawn_in_turn] = share > 0 && plan.stream(13).chance(30);
  plan.faults[drawn_in_turn + 1] = share > 0 && plan.stream(18).chance(40);
  plan.faults[drawn_in_turn + 2] = share > 0 && plan.stream(19).chance(25);
  plan.faults[drawn_in_turn + 3] = share > 0 && plan.stream(20).chance(30);
  plan.faults[drawn_in_turn + 4] = share > 0 && plan.stream(22).chance(20);
  plan.tells_changes = plan.stream(9).chance(65);
  plan.demands_leave = plan.stream(10).chance(20);
  // Without snapshots a cache knows only whom the server has allowed before.
  if (plan.demands_leave) plan.cached_first = false;
  if (Random own = plan.stream(12); own.chance(30)) plan.credit = own.between(50, 2'000);
  return plan;
}

std::string to_text(const Plan& plan) {
  std::string faults;
  for (std::size_t i = 0; i < fault_count; ++i) {
    if (!plan.faults[i]) continue;
    faults += (faults.empty() ? "" : ", ") + std::string{names.at(i)};
  }
  return fmt::format(
      "{} days, {} taps of {} visits a day, {} guests, {} pulses a litre{}{}{}{}; {}", plan.days,
      plan.taps, plan.visits_a_day, plan.guests, plan.milli_pulses_per_litre / 1'000,
      plan.cached_first ? ", cards judged by the cache" : "",
      plan.tap_to_start ? ", tap to start" : "",
      plan.demands_leave   ? ", a server that charges nothing without leave"
      : plan.tells_changes ? ", a server that tells changes"
                           : "",
      plan.credit > 0 ? fmt::format(", {} on credit", plan.credit) : "",
      faults.empty() ? "no faults" : "faults: " + faults);
}

}  // namespace tapd::simulation
