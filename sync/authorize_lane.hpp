// Asks the server for leave to pour, each ask at once and on its own: a guest stands at the tap.
// Every ask is answered exactly once, at the latest at its deadline; an answer that comes after
// that is heard for its balance only.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "sync/lane_context.hpp"

namespace tapd::sync {

/// What an answer to an authorization says; tells the board when it makes no sense.
[[nodiscard]] AuthorizeVerdict read_leave(LaneContext& context, const Heard& heard);

class AuthorizeLane {
 public:
  /// More asks than a controller has taps at once are answered with NoAnswer.
  static constexpr std::size_t most_asks = 64;
  /// A row that an ask waits behind is sent before its time, but not so often that an impatient
  /// guest spends its attempts.
  static constexpr std::chrono::milliseconds hurry_again{60'000};
  /// A server with snapshots ends a lock by itself after this time at the latest.
  static constexpr std::chrono::minutes longest_lock{15};

  explicit AuthorizeLane(LaneContext& context) : context_{context} {}

  void ask(const AuthorizeAsk& ask, const model::Moment& now);
  void due(const model::Moment& now, std::vector<Outgoing>& outgoing);
  [[nodiscard]] model::SinceBoot wake_at() const;
  /// False: not a request of this lane.
  bool on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now);

 private:
  struct Asked {
    AuthorizeAsk ask;
    model::SinceBoot deadline{};
    RequestId request{0};  ///< 0: not sent yet.
    storage::Marker marker{0};
    bool answered{false};
    bool behind_row{false};  ///< As the last look at the queue found.
  };

  [[nodiscard]] bool is_kept_back(Asked& asked, const model::Moment& now);
  [[nodiscard]] bool is_behind_row(const Asked& asked, const model::Moment& now);
  void hurry(const model::CardUid& card, const model::Moment& now);
  void expire(const model::Moment& now);
  void answer(Asked& asked, AuthorizeVerdict verdict);
  [[nodiscard]] std::optional<Outgoing> send(Asked& asked, const model::Moment& now);
  void watch_grant(const Asked& asked, const Heard& heard, const AuthorizeVerdict& verdict,
                   const model::Moment& now);
  void remember(const Asked& asked, const AuthorizeVerdict& verdict, const model::Moment& now);

  LaneContext& context_;
  std::vector<Asked> asked_;
  std::map<model::CardUid, model::SinceBoot> hurried_at_;
};

}  // namespace tapd::sync
