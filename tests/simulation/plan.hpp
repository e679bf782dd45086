// What one seed decides before the first moment: the bar, its days, and which faults exist in this
// run (swarm testing: each is there or not, so that rare pairs meet). A fault that is switched off
// leaves all other draws as they were; that is what lets the shrinker take them away one by one.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "agenda.hpp"
#include "tests/storage/random.hpp"

namespace tapd::simulation {

using test::Random;

enum class Fault : std::uint8_t {
  reader_flicker,    ///< Looks that find nobody, or a broken answer, while a card lies there.
  reader_hang,       ///< The reader does not answer for a while.
  reader_silence,    ///< The reader's thread looks no more for a while.
  meter_drift,       ///< The meter is worth up to 2 % more or less than the calibration says.
  meter_bounce,      ///< Many edges bounce.
  meter_lost_edges,  ///< Edges vanish without a trace.
  meter_noise,       ///< Pulses without flow.
  meter_silent,      ///< No edge comes.
  meter_gone,        ///< The meter's line fails.
  foam,              ///< Gas instead of liquid.
  short_kegs,        ///< Kegs run empty.
  leak,              ///< Some flows through the shut valve.
  valve_slow,
  valve_stuck_open,
  valve_stuck_shut,
  valve_deaf,  ///< The valve's line does not obey.
  busy_board,  ///< The control loop gets no time for some hundred milliseconds.
  disk_slow,
  disk_error,
  disk_full,
  net_down,
  net_loss,       ///< Requests or answers are lost, or come twice.
  net_slow,       ///< Answers after up to 20 s.
  net_nonsense,   ///< Garbage, web pages.
  server_errors,  ///< 500, 502 to 504, 429.
  server_down,
  token_refused,
  clock_unset,  ///< After a start it is 1970, until a time service is heard.
  clock_jumps,
  kills,
  power_cuts,
  restarts,  ///< tapd is stopped and started as an update does.
  emergency_stop,
  tap_locked,
  rejected_rows,  ///< The server turns rows down, for now or for good.
  lost_cards,
  prices,       ///< The litre price changes.
  other_bar,    ///< Guests spend elsewhere what this controller does not know of.
  hostile,      ///< Guests flap cards, lay two, swap them, pull them away at any moment.
  twin_cards,   ///< One card's UID at two taps.
  night_power,  ///< The main switch is off at night.
  upgrades,     ///< The version before this one ran on the ledger, and an update brings this one.
  spoilt_card,  ///< After a power cut the SD card has lost blocks; there are backups.
  staff,        ///< Staff close taps, work with an open valve, and calibrate, at any moment.
  cards_pass,   ///< Two guests' cards are given out anew, each to the other.
  serving_limits,   ///< The law bounds what a guest is served, and staff have a card for the taps.
  disk_unreadable,  ///< No block can be read for a while.
};
inline constexpr std::size_t fault_count = 47;
[[nodiscard]] std::string_view to_text(Fault fault);
using Faults = std::bitset<fault_count>;
/// Throws std::invalid_argument for a name that no fault has.
[[nodiscard]] Fault fault_named(std::string_view name);

/// A fault that is planted into the simulation itself, to show that the referee sees it.
enum class Planted : std::uint8_t {
  nothing,
  valve_opens_itself,
  valve_ignores_shut,
  meter_counts_double,
  reader_sees_ghosts,
  stop_not_told,
  patient_tap,
  begin_not_written,
  progress_not_written,
  no_recovery,
  generous_policy,
  inflated_facts,
  inflated_balances,
  forgotten_changes,
  changed_rows,
  altered_price,
  rows_never_arrive,
  double_charge,
  endless_events,
  changed_begin,
  old_medium,
  backup_alone,
  lasting_locks,
  generous_credit,
  other_prices,
  blind_policy,
  turned_away,
  false_alarm,
  late_ticks,
  many_pours,
  open_again,
  long_service,
  short_tail,
  wrong_payer,
  short_window,
  large_glass,
  lasting_lift,
  anyones_menu,
  deaf_to_silence,
  swapped_rows,
  refusals_ignored,
  unsteady,
};

struct Plan {
  std::uint64_t seed{0};
  std::int64_t days{10};
  Faults faults;
  std::size_t taps{2};
  std::int64_t guests{12};
  std::int64_t visits_a_day{10};  ///< Of each tap.
  std::int64_t milli_pulses_per_litre{450'000};
  bool cached_first{false};   ///< Cards are judged by the cache, not asked for.
  bool tap_to_start{false};   ///< A card is laid on to start and again to stop.
  bool tells_changes{false};  ///< The server knows `?since=`.
  /// The server is as the existing one: no snapshot, and each pour needs its own authorization.
  bool demands_leave{false};
  std::int64_t credit{0};  ///< What the venue lets a guest spend beyond the balance.

  Planted planted{Planted::nothing};

  [[nodiscard]] bool has(Fault fault) const { return faults[static_cast<std::size_t>(fault)]; }
  [[nodiscard]] bool has_any(std::span<const Fault> some) const {
    return std::any_of(some.begin(), some.end(), [this](Fault fault) { return has(fault); });
  }
  /// A stream of random numbers of its own for each use.
  [[nodiscard]] Random stream(std::uint64_t use) const;
};

[[nodiscard]] Plan draw_plan(std::uint64_t seed);
/// "2 taps, 450 pulses a litre, ...; faults: kills, net_down".
[[nodiscard]] std::string to_text(const Plan& plan);

}  // namespace tapd::simulation
