// Announces the controller every minute, and is the probe after a failure: the smallest request
// that shows whether the server is there, and harmless to repeat.
#pragma once

#include <vector>

#include "sync/lane_context.hpp"

namespace tapd::sync {

class RegisterLane {
 public:
  explicit RegisterLane(LaneContext& context) : context_{context} {}

  /// The existing server notices a controller only when what it announces has changed: alternate a
  /// build suffix for it.
  void alternate_version(bool alternate) { alternate_ = alternate; }
  void due(const model::Moment& now, std::vector<Outgoing>& outgoing);
  [[nodiscard]] model::SinceBoot wake_at() const;
  /// False: not a request of this lane.
  bool on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now);

 private:
  void on_body(const Heard& heard, const model::Moment& now);
  void not_the_server(const std::string& why, const model::Moment& now);
  [[nodiscard]] std::string version();

  LaneContext& context_;
  RequestId in_flight_{0};
  bool probing_{false};
  bool alternate_{false};
  bool odd_{false};
  model::SinceBoot next_at_{};
};

}  // namespace tapd::sync
