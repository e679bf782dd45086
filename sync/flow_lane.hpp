// Carries flow events (leaks, cleaning, ...) to the server, one at a time, oldest first. Money goes
// first: no event is sent while pours are due or in flight, so telemetry never delays a pour.
// A server error or a missing path is the event's own fault only when the server took another one
// since; without that it waits, however long that lasts.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sync/lane_context.hpp"

namespace tapd::sync {

class FlowLane {
 public:
  /// The queue is looked at this often; an event is telemetry, not an alarm.
  static constexpr std::chrono::milliseconds queue_poll{5'000};

  explicit FlowLane(LaneContext& context) : context_{context}, backoff_{context.lane_backoff()} {}

  void due(const model::Moment& now, std::vector<Outgoing>& outgoing);
  [[nodiscard]] model::SinceBoot wake_at() const;
  /// False: not a request of this lane.
  bool on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now);

 private:
  void on_answer(const Heard& heard, const model::Moment& now);
  void spend(const std::string& why, const model::Moment& now);
  void set_aside(const Heard& heard, const model::Moment& now);
  void taken();
  void settle(storage::FlowVerdict::Kind kind, const std::string& why, std::int32_t failures,
              const model::Moment& now);
  void wait(const model::Moment& now, std::optional<std::chrono::milliseconds> told = std::nullopt);
  void books_failed(const storage::Error& error, const model::Moment& now);

  LaneContext& context_;
  Backoff backoff_;
  RequestId in_flight_{0};
  std::int64_t row_{0};
  std::int32_t attempts_{0};
  struct Doubt {
    std::int32_t failures{0};
    bool another_taken{false};  ///< Since it failed first.
  };
  std::map<std::int64_t, Doubt> doubts_;  ///< By row: those that failed and may not be at fault.
  model::SinceBoot next_at_{};
};

}  // namespace tapd::sync
