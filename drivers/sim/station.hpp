// One tap of a running simulated bar: the physics, the reader's field and the light behind one
// lock, because the control thread, the reader's thread and whoever sends commands all come here.
// SimBar hands out what the daemon holds (meter, valve, reader, indicator); each is a thin coat
// over a Station. Time is the clock's, except where an interface hands it in.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "drivers/card_reader.hpp"
#include "drivers/clock.hpp"
#include "drivers/edge_filter.hpp"
#include "drivers/flow_meter.hpp"
#include "drivers/indicator.hpp"
#include "drivers/sim/command.hpp"
#include "drivers/sim/dice.hpp"
#include "drivers/sim/plan.hpp"
#include "drivers/sim/sim_tap.hpp"
#include "drivers/sim/truth.hpp"
#include "drivers/unique_fd.hpp"

namespace tapd::drivers::sim {

/// What a Station is made from.
struct StationParts {
  SimTapPlan plan;
  std::int64_t number{0};
  std::uint64_t seed{0};
  std::chrono::microseconds wake_grain{0};
  Truth from;
  std::shared_ptr<TruthFile> truth_file;  ///< May be null.
  std::size_t place{0};                   ///< In the truth file.
};

/// All methods: any thread.
class Station {
 public:
  Station(StationParts parts, const Clock& clock);

  [[nodiscard]] std::int64_t number() const { return parts_.number; }
  void apply(const CommandAction& action);
  [[nodiscard]] Truth truth();

  void command_valve(bool open);
  /// A timerfd that is due when the next edge comes.
  [[nodiscard]] int descriptor() const { return timer_.get(); }
  [[nodiscard]] MeterReading read(SinceBoot now);
  /// Off: edges pass unheard, and nobody is woken for them.
  void listen(bool on);
  [[nodiscard]] Look look();
  [[nodiscard]] std::chrono::microseconds look_takes() const {
    return parts_.plan.reader.look_takes;
  }
  void show(Signal signal);
  [[nodiscard]] Signal shown() const;

 private:
  // What each command does to the tap, under the lock and with time brought up to now.
  void carry_out(const LayCard& lay);
  void carry_out(const LiftCards& lift);
  void carry_out(const LayTwoCards& lay);
  void carry_out(const PullHandle& pull);
  void carry_out(const PullWithCard& pull);
  void carry_out(const ConnectKeg& keg);
  void carry_out(const Foam& foam);
  void carry_out(const Leak& leak);
  void carry_out(ValveCondition condition);
  void carry_out(const Flicker& flicker);
  void carry_out(const MeterCondition& condition);
  void carry_out(ReaderCondition condition);

  // All of these: under the lock.
  void bring_up_to(SinceBoot now);
  void move_hand();
  void arm_timer();
  [[nodiscard]] Look look_at_cards();

  StationParts parts_;
  const Clock& clock_;
  UniqueFd timer_;

  mutable std::mutex mutex_;
  SimTap tap_;
  std::vector<Edge> waiting_;  ///< Edges that nobody has read, as in the kernel's buffer.
  EdgeFilter filter_;          ///< The same as a real meter's.
  std::optional<SinceBoot> read_at_;
  bool listening_{true};
  std::vector<Uid> cards_;  ///< On the reader.
  std::optional<double>
      told_ml_per_s_;  ///< What the hand was told; nullopt: to pull with the card.
  ReaderCondition reader_{ReaderCondition::ok};
  Flicker flicker_;
  Dice air_;
  Signal shown_{Signal::off};
};

}  // namespace tapd::drivers::sim
