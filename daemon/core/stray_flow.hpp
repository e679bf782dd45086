// What runs through a shut valve and is nobody's debt. Each part of it is told once: as a leak, as
// the flow of a stuck valve, or, when it only seeps, whenever enough has come together. Used by the
// tap session; pure. It promises that the volumes it tells add up to what the meter counted, to
// less than a millilitre; it does not decide what the tap does about it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "daemon/core/calibration.hpp"
#include "daemon/core/pour_meter.hpp"
#include "daemon/core/pulse_pace.hpp"
#include "daemon/core/session_events.hpp"
#include "storage/model/time.hpp"
#include "storage/model/volume.hpp"

namespace tapd {

struct StrayRules {
  model::Volume alarm{model::Volume::microlitres(20'000)};  ///< A leak is so much, in ...
  std::chrono::milliseconds window{10'000};  ///< ... this time; over without flow for as long.
  std::int64_t stuck_rate{10'000};           ///< Microlitres per second without a pause, for ...
  std::chrono::milliseconds stuck_after{1'000};  ///< ... this time: the valve is stuck open.
  std::chrono::milliseconds told_every{60'000};  ///< A leak that runs on is told so often.
};

class StrayFlow {
 public:
  explicit StrayFlow(const StrayRules& rules) : rules_{rules} {}

  enum class Finding : std::uint8_t { nothing, leak, stuck_valve };

  /// Counts. What is to be told is added to `out`. A finding is told at its beginning only.
  [[nodiscard]] Finding take(const Flow& flow, const Calibration& calibration, model::SinceBoot now,
                             Actions& out);
  /// A pour has ended and its valve does not shut; what ran until now is the pour's.
  void stuck_after_pour(model::SinceBoot now, Actions& out);
  /// Tells what is due, and the whole of a leak that has stopped.
  void tick(model::SinceBoot now, Actions& out);
  [[nodiscard]] std::optional<model::SinceBoot> wake_at() const;
  /// Tells everything that was not told yet: nobody will count any more.
  void close_books(model::SinceBoot now, Actions& out);
  /// Somebody has looked: what runs on after this is found, and told, anew.
  void cleared(Actions& out);
  /// The valve was open for somebody: flow after it has nothing to do with flow before it.
  void interrupt();

  /// A leak or a stuck valve, until it has been quiet for a whole window.
  [[nodiscard]] bool running() const { return incident_.has_value(); }
  /// What made the last finding.
  [[nodiscard]] model::Volume noticed() const { return noticed_; }

 private:
  struct Incident {
    FlowSign sign{FlowSign::leak};
    model::SinceBoot since{};
    model::Volume told;  ///< Of it, so far; whole millilitres.
    model::SinceBoot told_at{};
  };

  [[nodiscard]] Finding judge(model::SinceBoot now) const;
  void open(FlowSign sign, model::SinceBoot since, model::SinceBoot now, Actions& out);
  void tell_more(model::SinceBoot now, Actions& out);
  void close(Actions& out);
  void tell_seepage(model::SinceBoot now, Actions& out);
  [[nodiscard]] model::Volume untold() const;
  void take_from_untold(model::Volume told);

  StrayRules rules_;
  PulsePace pace_;
  FineVolume untold_;  // counted, and in no event that is over
  std::optional<model::SinceBoot> untold_since_;
  FineVolume window_;
  model::SinceBoot window_since_{};
  FineVolume steady_;  // without a pause
  model::SinceBoot steady_since_{};
  model::SinceBoot newest_{};
  std::optional<Incident> incident_;
  model::Volume noticed_;
};

}  // namespace tapd
