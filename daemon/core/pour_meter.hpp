// The meter during one pour: which edges are believed, what they are worth, and what of it the
// guest pays. Pure. It promises that what is charged never goes back and is never above what the
// meter counted, and it never decides when the valve shuts: that is the session's, by the largest
// volume that could have passed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "daemon/core/calibration.hpp"
#include "daemon/core/flow_rate.hpp"
#include "daemon/core/meter_rules.hpp"
#include "daemon/core/noise_watch.hpp"
#include "daemon/core/pulse_pace.hpp"
#include "storage/model/time.hpp"
#include "storage/model/volume.hpp"

namespace tapd {

/// Edges of the meter since the last look.
struct Flow {
  std::int64_t edges{0};
  std::int64_t edges_lost{0};   ///< Of these, dropped by the kernel: their number is known.
  std::int64_t rejected{0};     ///< Refused by the interval filter; not in `edges`.
  std::int64_t out_of_turn{0};  ///< Not alternating: a sign of edges lost without a trace.
  /// The stamp of the newest; nothing: now.
  std::optional<model::SinceBoot> newest = std::nullopt;
};

/// How a pour was measured, for the journal and the API.
struct MeterEvidence {
  std::int64_t edges{0};  ///< All that passed the filter, believed or not.
  std::int64_t edges_lost{0};
  std::int64_t rejected{0};
  std::int64_t out_of_turn{0};
  std::int64_t low_flow{0};  ///< Edges slower than the meter's range, while the valve was open.
  std::int64_t most_millihertz{0};  ///< The highest frequency of pulses, believed or not.
  bool suspect_gas{false};
  model::Volume not_believed;  ///< Gas, noise, and the valve's knock: not charged.
  model::Volume run_on;        ///< Taken off the tail.
  model::Volume refill;        ///< Filled the line: not charged.
};

class PourMeter {
 public:
  /// Faster than the calibrated most by this ratio, for so long, is no liquid.
  static constexpr std::int64_t gas_per_cent = 150;
  /// Above the meter's own highest frequency by this ratio, for so long, is no liquid either: data
  /// sheets give the most for liquid, and gas turns the same impeller much faster.
  static constexpr std::int64_t above_range_per_cent = 125;
  /// By this ratio not even gas turns it: that is no flow at all.
  static constexpr std::int64_t noise_per_cent = 100 * NoiseWatch::factor;
  static constexpr std::chrono::milliseconds implausible_for{100};
  /// Faster than the pour has been by this ratio: gas is in the line, the keg may be at its end.
  static constexpr std::int64_t sputter_per_cent = 130;
  /// More edges than these are no knock of the valve.
  static constexpr std::int64_t most_hammer_edges = 8;

  enum class Verdict : std::uint8_t { fine, gas, noise };

  /// `opened`: when the valve is told to open. `refill`: what of this pour fills the line.
  PourMeter(const Calibration& calibration, const MeterRules& rules, model::Volume refill,
            model::SinceBoot opened);

  /// Counts. `now` never goes back; stamps may. After a verdict that is not `fine` nothing more is
  /// believed.
  Verdict take(const Flow& flow, model::SinceBoot now);
  /// The valve is told to shut.
  void shut(model::SinceBoot now);
  /// Believes nothing from here on: what is under suspicion is not charged.
  void distrust();
  /// What ran after the shut is not known.
  [[nodiscard]] bool distrusted() const { return distrusted_; }

  /// Something ran that is no knock of the valve.
  [[nodiscard]] bool has_flowed() const { return believed_ > FineVolume{}; }
  /// Everything that counts as flow so far, with the line's filling and the run-on.
  [[nodiscard]] model::Volume believed() const { return believed_.volume(); }
  /// What the guest pays: without the line's filling, and without what the turbine ran on.
  [[nodiscard]] model::Volume charged() const;
  /// Of that, what ran before the valve was told to shut.
  [[nodiscard]] model::Volume charged_before_shut() const;
  /// Measured against the limit: as charged, and with everything that may yet be believed.
  [[nodiscard]] model::Volume most_charged() const;
  /// Counted after the shut, run-on included: what is learnt from.
  [[nodiscard]] model::Volume tail() const;
  /// Microlitres per second of the last fifth of a second.
  [[nodiscard]] std::int64_t rate(model::SinceBoot now) const {
    return rate_.microlitres_per_second(now);
  }
  [[nodiscard]] std::int64_t rate_at_shut() const { return rate_at_shut_; }
  /// Gas came through within so long before `now`.
  [[nodiscard]] bool sputtered_since(model::SinceBoot moment) const {
    return sputtered_ && *sputtered_ >= moment;
  }
  [[nodiscard]] MeterEvidence evidence() const;

 private:
  [[nodiscard]] bool is_hammer(const Flow& flow, FineVolume worth, model::SinceBoot at);
  Verdict judge(FineVolume worth, std::optional<std::chrono::nanoseconds> pulse_interval,
                model::SinceBoot at);
  void follow_flow(std::int64_t rate, model::SinceBoot at);
  [[nodiscard]] FineVolume after_run_on() const;
  [[nodiscard]] model::Volume less_refill(FineVolume volume) const;

  Calibration calibration_;
  MeterRules rules_;
  model::Volume refill_;
  PulsePace pace_;
  FlowRate rate_;
  FineVolume believed_;
  FineVolume suspected_;  // implausibly fast, not for long enough yet
  FineVolume knocked_;    // within the mask of a command, nothing after it yet
  FineVolume refused_;
  FineVolume believed_at_shut_;
  std::optional<model::SinceBoot> suspected_since_;
  std::optional<model::SinceBoot> knocked_at_;  // the command that may have knocked
  std::int64_t knocked_edges_{0};
  std::optional<model::SinceBoot> sputtered_;
  std::optional<model::SinceBoot> followed_;
  std::int64_t followed_ms_{0};
  std::int64_t usual_rate_{0};
  std::int64_t rate_at_shut_{0};
  bool is_shut_{false};
  bool distrusted_{false};
  MeterEvidence evidence_;
};

}  // namespace tapd
