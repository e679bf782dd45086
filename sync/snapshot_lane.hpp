// Pulls what the venue server knows: the snapshot where there is one, and the system status
// wherever a snapshot is not to be had, because the emergency stop must arrive in any case. The
// snapshot is asked for with its ETag and the revision that is held, for the changes only; and
// whole at first, whenever changes cannot be had or used, and now and then in any case.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sync/lane_context.hpp"
#include "sync/wire.hpp"

namespace tapd::sync {

class SnapshotLane {
 public:
  /// A server without a snapshot is asked for one again this rarely.
  static constexpr std::chrono::milliseconds ask_again{600'000};
  /// One that had snapshots before is asked more often, and not believed to have none for so long:
  /// it may be about to start, behind a proxy that is up already.
  static constexpr std::chrono::milliseconds believed_after{3'600'000};
  /// After changes that could not be had or used, only the whole is asked for so long.
  static constexpr std::chrono::milliseconds whole_only{600'000};

  explicit SnapshotLane(LaneContext& context)
      : context_{context},
        path_{endpoint::snapshot(context.options.controller_id)},
        backoff_{context.lane_backoff()},
        status_backoff_{context.lane_backoff()} {}

  void due(const model::Moment& now, std::vector<Outgoing>& outgoing);
  [[nodiscard]] model::SinceBoot wake_at() const;
  /// False: not a request of this lane.
  bool on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now);
  /// The request whose snapshot was applied last; 0: none yet.
  [[nodiscard]] RequestId applied() const { return applied_; }
  /// What the ledger says of the runs before this one.
  void take_over(bool had_snapshots) { had_ = had_snapshots; }
  /// The server said that it has no snapshot.
  [[nodiscard]] bool is_missing() const { return missing_; }
  /// And that is believed: it is no server with snapshots.
  [[nodiscard]] bool has_none() const { return missing_ && believed_ && applied_ == 0; }
  /// It refused the token for one: it may be another server by now.
  [[nodiscard]] bool is_in_doubt() const { return in_doubt_; }
  /// Something was heard or not heard in answer to a request for one.
  [[nodiscard]] bool was_tried() const { return tried_; }

 private:
  void ask(const model::Moment& now, std::vector<Outgoing>& outgoing);
  void on_snapshot(const Heard& heard, const HttpOutcome& outcome, const model::Moment& now);
  void on_body(const Heard& heard, const HttpOutcome& outcome, const model::Moment& now);
  [[nodiscard]] bool hear_stop(SnapshotAnswer& answer);
  void heard_stop();
  [[nodiscard]] storage::Result<SnapshotApplied> keep(const SnapshotAnswer& answer,
                                                      const model::Moment& now);
  [[nodiscard]] bool is_about_since(const Heard& heard) const;
  void ask_for_the_whole(const model::Moment& now);
  void on_unchanged(const model::Moment& now);
  void on_missing(const model::Moment& now);
  void on_status(RequestId id, const Heard& heard, const model::Moment& now);
  void keep_stop(bool on, const model::Moment& now);
  void not_now(const model::Moment& now, const Heard& heard);
  void books_failed(const char* work, const storage::Error& error, const model::Moment& now);

  LaneContext& context_;
  std::string path_;
  Backoff backoff_;
  Backoff status_backoff_;

  RequestId in_flight_{0};
  storage::Marker marker_{0};
  bool conditional_{false};
  std::string etag_;
  std::int64_t revision_{0};           ///< That the ETag names.
  std::optional<std::int64_t> since_;  ///< The changes asked for; none: the whole.
  model::SinceBoot whole_until_{};
  model::SinceBoot next_at_{};
  model::SinceBoot full_at_{};
  RequestId applied_{0};
  bool had_{true};  ///< Until the ledger has said.
  bool missing_{false};
  std::optional<model::SinceBoot> missing_since_;  ///< Without another answer since.
  bool believed_{false};
  bool in_doubt_{false};
  bool tried_{false};

  RequestId status_in_flight_{0};
  bool status_wanted_{false};
  std::optional<bool> kept_stop_;      ///< As the ledger has it; none: not heard in this run.
  std::optional<bool> snapshot_stop_;  ///< As the newest snapshot told it.
  RequestId told_{0};                  ///< The newest request for a snapshot that was answered.
  RequestId stopped_{0};               ///< The newest request when a stop was heard of.
  model::SinceBoot next_status_at_{};
};

}  // namespace tapd::sync
