// One tap of the simulated bar: the physics of drivers/sim behind the daemon's own interfaces, with
// the kernel between them (its buffer of 1,024 edges, its numbering) and cards on the reader. It
// outlives every run of the daemon; `connect` is what a start of the daemon does to it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "agenda.hpp"
#include "drivers/card_reader.hpp"
#include "drivers/edge_filter.hpp"
#include "drivers/flow_meter.hpp"
#include "drivers/sim/sim_tap.hpp"
#include "drivers/valve.hpp"
#include "plan.hpp"
#include "storage/model/time.hpp"

namespace tapd::simulation {

/// What is wrong with a tap's hardware at the moment.
struct Ailments {
  bool reader_hangs{false};
  bool reader_silent{false};  ///< The thread that reads is stuck.
  std::uint64_t flicker_percent{0};
  bool valve_deaf{false};
  bool meter_gone{false};
  bool meter_untrue{false};  ///< Noise, silence, gas: what it tells is no measure of what flows.
};

class TapRig {
 public:
  TapRig(const Plan& plan, std::size_t place, Agenda& agenda);

  // --- the world's side --------------------------------------------------------------------------
  void lay(std::vector<drivers::Uid> cards);
  [[nodiscard]] const std::vector<drivers::Uid>& cards() const { return cards_; }
  /// When a card lay there last; nothing: never.
  [[nodiscard]] std::optional<Time> last_there(std::span<const std::uint8_t> uid) const;
  /// When the meter's driver told a pulse last; before all times: never.
  [[nodiscard]] Time last_pulse() const { return last_pulse_; }
  /// The physics at this moment. After a change: `changed`.
  [[nodiscard]] drivers::sim::SimTap& physics();
  void changed();
  [[nodiscard]] drivers::sim::Truth truth() { return physics().truth(); }
  /// Of the meter as it is.
  [[nodiscard]] std::int64_t milli_pulses_per_litre() const {
    return tap_.meter.milli_pulses_per_litre;
  }
  Ailments ailments;
  /// Called when the valve's line changes, with the new level.
  std::function<void(bool)> on_valve;
  /// Cards, ailments or the physics have changed: whoever sleeps must look.
  std::function<void()> on_change;

  // --- the daemon's side -------------------------------------------------------------------------
  void connect(Time booted_at_world, model::SinceBoot booted_at);
  /// The process is gone: the kernel shuts the valve and nobody listens.
  void let_go();
  [[nodiscard]] drivers::FlowMeter& meter() { return meter_; }
  [[nodiscard]] drivers::Valve& valve() { return valve_; }
  [[nodiscard]] drivers::Look look(Random& luck) const;
  [[nodiscard]] bool valve_line_open() const { return line_open_; }
  /// When the meter wakes the control loop next: edges that come within `grain` wake it together.
  [[nodiscard]] std::optional<Time> meter_wakes(Time grain);

 private:
  class Meter final : public drivers::FlowMeter {
   public:
    explicit Meter(TapRig& rig) : rig_{rig} {}
    [[nodiscard]] int descriptor() const override { return rig_.listening_ ? 1 : -1; }
    [[nodiscard]] drivers::MeterReading read(drivers::SinceBoot now) override;
    [[nodiscard]] tl::expected<void, std::string> listen(bool on) override;
    [[nodiscard]] std::string describe() const override { return "simulated meter"; }

   private:
    TapRig& rig_;
  };
  class Valve final : public drivers::Valve {
   public:
    explicit Valve(TapRig& rig) : rig_{rig} {}
    [[nodiscard]] tl::expected<void, std::string> open() override { return rig_.drive(true); }
    [[nodiscard]] tl::expected<void, std::string> shut() override { return rig_.drive(false); }
    [[nodiscard]] std::string describe() const override { return "simulated valve"; }

   private:
    TapRig& rig_;
  };

  tl::expected<void, std::string> drive(bool open);
  void set_line(bool open);
  void take_edges();

  Agenda& agenda_;
  Planted planted_;
  drivers::sim::SimTapPlan tap_;
  drivers::sim::SimTap physics_;
  Meter meter_{*this};
  Valve valve_{*this};
  std::vector<drivers::Uid> cards_;
  std::vector<std::pair<drivers::Uid, Time>> taken_away_;  ///< Newest last; a few.
  std::vector<drivers::Edge> edges_;                       ///< In the kernel's buffer.
  std::size_t kernel_buffer_;
  drivers::EdgeFilter filter_;
  std::uint64_t newest_number_{0};  ///< Of the physics' edges.
  std::uint64_t number_base_{0};    ///< Where the kernel's numbering began.
  Time world_base_{};
  model::SinceBoot boot_base_{};
  Time read_at_{};
  Time last_pulse_{Time::min() / 2};
  bool listening_{false};
  bool line_open_{false};
};

}  // namespace tapd::simulation
