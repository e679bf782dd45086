// A tap session at a simulated line: keg, valve, turbine and wire as the physics has them, the real
// interval filter, and the session that decides. Virtual time, a look every few milliseconds.
#pragma once

#include <vector>

#include "daemon/journal_lines.hpp"
#include "drivers/edge_filter.hpp"
#include "drivers/sim/sim_tap.hpp"
#include "session_fixture.hpp"

namespace tapd::test {

class MeteredTap {
 public:
  explicit MeteredTap(const SessionRules& rules = {}, const drivers::sim::SimTapPlan& with = plan(),
                      const Calibration& calibration = k_factor())
      : physics{with, 1, start, drivers::sim::unused(with)},
        filter{with.shortest_interval},
        session{model::TapId{1}, rules, calibration,
                TailEstimate{rules.longest_close_time, std::chrono::microseconds{50'000}}} {
    now.since_boot = start;
    give(Started{});
  }

  /// A usual tap: a turbine with bounce and run-on, a valve that takes 50 ms.
  static drivers::sim::SimTapPlan plan() {
    drivers::sim::SimTapPlan plan;
    plan.number = 1;
    return plan;
  }
  static Calibration k_factor() { return Calibration::from_milli_pulses_per_litre(5'600'000); }
  static SessionRules rules() {
    SessionRules rules;
    rules.meter.most_millihertz = 2'030'000;
    rules.meter.most_flow = 65'000;
    rules.meter.hammer_mask = std::chrono::milliseconds{50};
    return rules;
  }

  void give(const Event& event) {
    for (const Action& action : session.on(event, now)) {
      if (std::holds_alternative<OpenValve>(action)) physics.command_valve(true);
      if (std::holds_alternative<ShutValve>(action)) physics.command_valve(false);
      if (const auto* listen = std::get_if<ListenToMeter>(&action)) listening = listen->on;
      all.push_back(action);
    }
  }
  /// Time passes; the meter is read every `look` and the session ticks when it wants to.
  void run(std::chrono::milliseconds time,
           std::chrono::milliseconds look = std::chrono::milliseconds{2}) {
    for (const auto end = now.since_boot + time; now.since_boot < end;) {
      now.since_boot += look;
      now.wall += look;
      edges.clear();
      physics.advance_to(now.since_boot, edges);
      if (listening) {
        for (const drivers::Edge& edge : edges) filter.take(edge);
        heard += static_cast<std::int64_t>(edges.size());
      }
      const drivers::MeterReading reading = filter.drain(now.since_boot);
      if (reading.edges > 0 || reading.rejected > 0) {
        give(Flow{.edges = reading.edges,
                  .edges_lost = reading.edges_lost,
                  .rejected = reading.rejected,
                  .out_of_turn = reading.out_of_turn,
                  .newest = reading.last_edge});
      }
      give(Tick{});
    }
  }
  /// A card with leave for so much, and the hand on the handle.
  void begin_pour(std::int64_t limit_ml, double ml_per_s,
                  std::optional<std::int64_t> keg_left_ml = std::nullopt) {
    give(CardPresent{ann});
    Grant with = grant(limit_ml);
    if (keg_left_ml) with.keg_left = model::Volume::millilitres(*keg_left_ml);
    give(Granted{.grant = with, .client_tx_id = some_id()});
    physics.pull(ml_per_s);
    give(BeginWritten{});
  }
  void end_pour() {
    give(CardGone{now.since_boot});
    run(std::chrono::milliseconds{1'500});
  }
  /// What really ran, in ml.
  [[nodiscard]] double passed_ml() const {
    return static_cast<double>(physics.truth().passed_ul) / 1e3;
  }
  [[nodiscard]] double charged_ml() const {
    const EndPour* end = newest<EndPour>();
    return end == nullptr ? -1 : static_cast<double>(end->end.last.volume.in_microlitres()) / 1e3;
  }
  template<typename Kind>
  [[nodiscard]] const Kind* newest() const {
    for (auto action = all.rbegin(); action != all.rend(); ++action) {
      if (const auto* found = std::get_if<Kind>(&*action)) return found;
    }
    return nullptr;
  }
  [[nodiscard]] bool reported(FlowSign sign) const {
    return std::any_of(all.begin(), all.end(), [sign](const Action& action) {
      const auto* flow = std::get_if<ReportFlow>(&action);
      return flow != nullptr && flow->sign == sign;
    });
  }
  /// The journal, one line after the other.
  [[nodiscard]] std::string journal() const {
    const TapContext who{.tap = model::TapId{1}, .card = ann, .guest = {}, .beverage = {}};
    std::string text;
    for (const Action& action : all) {
      if (const auto* say = std::get_if<Say>(&action)) {
        text += line_for(*say, who).text + "\n";
      } else if (const auto* end = std::get_if<EndPour>(&action)) {
        text += line_for(*end, who).text + "\n";
      }
    }
    return text;
  }

  static constexpr model::SinceBoot start = std::chrono::hours{1};
  drivers::sim::SimTap physics;
  drivers::EdgeFilter filter;
  TapSession session;
  model::Moment now{.since_boot = {}, .wall = {}, .wall_trusted = true};
  std::vector<drivers::Edge> edges;
  std::vector<Action> all;
  std::int64_t heard{0};
  bool listening{true};
};

}  // namespace tapd::test
