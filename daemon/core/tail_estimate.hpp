// What still runs after the valve is told to close, learnt from earlier pours of the same tap: a
// closing time, because the tail grows with the flow. A tap that has not poured yet gets what
// valves usually take. The estimate only ever lowers the point at which the valve is told to close;
// it is bounded, so a bad lesson costs the guest little.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "storage/model/volume.hpp"

namespace tapd {

class TailEstimate {
 public:
  /// How many lessons the median looks back on.
  static constexpr std::size_t memory = 20;
  /// Before the first lesson: in the middle of what solenoid valves take (hardware notes, section
  /// 5: 20 to 100 ms). With nothing, the first guest with a limit is served past it.
  static constexpr std::chrono::milliseconds assumed{50};
  /// Slower flow than this teaches nothing: 5 ml/s.
  static constexpr std::int64_t slowest_lesson = 5'000;

  /// `longest_close` bounds what can be learnt; zero switches the estimate off.
  explicit TailEstimate(std::chrono::microseconds longest_close,
                        std::optional<std::chrono::microseconds> known = std::nullopt);

  /// One pour ended: `tail` ran after the valve was told to close at `rate` (microlitres per
  /// second).
  void learn(model::Volume tail, std::int64_t rate);
  /// The closing time in force: the median of the lessons; `assumed` before the first.
  [[nodiscard]] std::chrono::microseconds close_time() const;
  /// The tail to be expected at this rate.
  [[nodiscard]] model::Volume expected(std::int64_t microlitres_per_second) const;

 private:
  std::chrono::microseconds longest_close_;
  std::vector<std::chrono::microseconds> lessons_;  // oldest first, at most `memory`
  std::chrono::microseconds close_time_{0};
};

}  // namespace tapd
