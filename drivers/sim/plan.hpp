// What a simulated bar is made of: for each tap the valve, the meter, the keg, the reader and the
// hand on the handle, in numbers a bar could have. Filled in by the daemon from its configuration
// (which is why what it fills in is whole numbers) and by tests; checked by `findings`, which says
// in plain words what no bar can be. A value; any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tapd::drivers::sim {

/// A solenoid valve: it waits (coil), then moves (spring, plunger) at a steady pace.
struct ValvePlan {
  std::chrono::microseconds opens_after{15'000};  ///< Between the command and the first flow.
  std::chrono::microseconds opens_in{20'000};     ///< From shut to fully open.
  std::chrono::microseconds shuts_after{20'000};  ///< Between the command and the first closing.
  std::chrono::microseconds shuts_in{30'000};     ///< From fully open to shut.
  int drips{2};                                   ///< Drops that pass after it shut on a flow.
  double drip_ml{0.05};
  std::chrono::microseconds drip_takes{40'000};
  std::chrono::microseconds drip_every{300'000};  ///< From the start of one drop to the next.
  int knock_pulses{0};  ///< The impeller's, to and fro, when the plunger strikes; no liquid passes.
};

/// A turbine meter. Above the knee it is exact; below it bearing friction makes it read too little,
/// and at `stall_ml_per_s` and less it stands still.
struct MeterPlan {
  std::int64_t milli_pulses_per_litre{5'600'000};  ///< K-factor; a pulse has two edges.
  double knee_ml_per_s{8.0};
  double stall_ml_per_s{1.5};
  std::chrono::microseconds run_on{40'000};  ///< A spinning impeller without flow stops in so long.
  double unevenness{0.02};   ///< How far an edge may be out of place, in pulses; below 0.25.
  double bounce_rate{0.02};  ///< Of edges that bounce.
  std::chrono::microseconds longest_bounce{120};  ///< A bounce has passed after so long.
  double lost_edge_rate{0.0};                     ///< Of edges that nobody sees, without a trace.
  double gas_speed{1.8};       ///< Gas turns the impeller so much faster than liquid.
  double gas_unevenness{0.1};  ///< As `unevenness`, for gas.
};

/// Cards and the reader.
struct ReaderPlan {
  double silence_rate{0.0};                 ///< Of looks at a card that find nobody.
  double garble_rate{0.0};                  ///< Of looks at a card that find a broken answer.
  std::chrono::microseconds look_takes{0};  ///< How long a look blocks; a real one: 3 to 5 ms.
};

struct SimTapPlan {
  std::int64_t number{0};       ///< Its name in commands; 0: its place in the plan, counted from 1.
  std::int64_t keg_ml{50'000};  ///< What is in the keg (a truth file knows better).
  std::int64_t gas_after_empty_ml{150};  ///< Gas that blows through an empty keg before silence.
  std::int64_t most_ml_per_s{250};       ///< The line gives no more, however the handle is pulled.
  std::int64_t handle_ml_per_s{60};      ///< What a guest wants who pulls without being told.
  bool pulls_with_card{true};  ///< The hand pulls while one card lies there, unless told otherwise.
  std::chrono::microseconds shortest_interval{
      200};  ///< The interval filter's, as for a real meter.
  ValvePlan valve;
  MeterPlan meter;
  ReaderPlan reader;
};

/// The most taps a bar may have.
inline constexpr std::size_t most_taps = 64;

struct BarPlan {
  std::vector<SimTapPlan> taps;
  std::uint64_t seed{1};  ///< Everything that is left to chance follows from it.
  /// Where the truth is kept across restarts and kills; empty: nowhere.
  std::filesystem::path truth_file;
  /// Edges that come within so long after a read wake the reader together. 0: each edge wakes it,
  /// as the kernel does.
  std::chrono::microseconds wake_grain{0};
};

/// The tap's name in commands. `place` from 0, in range.
[[nodiscard]] std::int64_t number_of(const BarPlan& plan, std::size_t place);

/// What is wrong with a plan, a sentence each ("tap 2: the size of a drip in ml must be from 0 to
/// 10, not -1"); empty: nothing.
[[nodiscard]] std::vector<std::string> findings(const BarPlan& plan);

}  // namespace tapd::drivers::sim
