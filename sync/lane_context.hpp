// What the engine's lanes share: the options, the ledger, the circuit, the notices, and the first
// reading of every outcome. One per engine; the lanes hold a reference.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/circuit.hpp"
#include "sync/engine.hpp"
#include "sync/grants.hpp"
#include "sync/heard_balances.hpp"
#include "sync/late_arrivals.hpp"
#include "sync/notice_board.hpp"
#include "sync/outcomes.hpp"

namespace tapd::sync {

/// The far future: nothing is due by itself.
inline constexpr model::SinceBoot never = model::SinceBoot::max();

/// An outcome as every lane first needs it.
struct Heard {
  enum class Kind : std::uint8_t {
    usable,
    unchanged,
    not_found,
    token,
    refused,
    too_many,
    server_error,
    unavailable,
    nonsense,
    no_answer,  ///< Nothing is known about what the server did.
    no_link,    ///< The request did not reach the server.
    cancelled,  ///< The transport is being shut.
  };
  Kind kind{Kind::no_answer};
  int status{0};
  std::string_view body;  ///< Of the outcome, which must outlive this.
  std::string why;        ///< For the journal: "HTTP 503", "connection refused (...)".
  std::optional<std::chrono::milliseconds> retry_after;
};

/// How this server wants its offline pours.
enum class OfflineRows : std::uint8_t {
  undecided,  ///< Nothing was heard of a snapshot yet: they wait.
  batched,    ///< With all the others.
  settled,    ///< Each with an authorization of its own: a server without snapshots.
};

struct LaneContext {
  LaneContext(EngineOptions engine_options, Books& ledger, Random generator);

  EngineOptions options;
  Books& books;
  Random random;
  Circuit circuit;
  NoticeBoard board;
  /// How many requests of any kind have failed for reasons that may be the server's or the link's.
  std::uint64_t troubles{0};
  /// Requests that the server answered with a verdict.
  struct Successes {
    std::uint64_t count{0};
    std::uint64_t troubles_then{0};  ///< `troubles` at the last of them.
  };
  Successes pours_judged;
  Successes leaves_answered;
  void succeeded(Successes& kind) const { kind = {kind.count + 1, troubles}; }
  Grants grants;
  HeardBalances balances;
  OfflineRows offline_rows{OfflineRows::undecided};
  /// The server is known to have no snapshots, and so not to compare a row that it knows.
  bool without_snapshots{false};
  /// A request with pours, or a settlement, is under way: there is one at a time.
  bool pours_in_flight{false};
  /// The last of those requests was a batch: a settlement that is due goes first now, and the other
  /// way round, so that neither waits for the other's queue to be empty.
  bool batch_was_last{false};
  /// After a request with pours whose answer is unknown, see EngineOptions::settle_wait.
  model::SinceBoot pours_quiet_until{};
  struct Held {
    model::CardUid card;
    model::TapId tap;
  };
  /// The card and tap of a settlement under way: their asks wait for its end.
  std::optional<Held> held;

  /// Cards that are laid on now while a row of theirs waits for its time: for the pours lane, ...
  std::set<model::CardUid> hurried;
  /// ... and for the settle lane.
  std::set<model::CardUid> hurried_to_settle;

  LateArrivals late;
  /// Until then, what a run before this one sent may come to the server yet, too.
  model::SinceBoot late_from_before{};

  [[nodiscard]] bool holds(const model::CardUid& card, model::TapId tap) const {
    return held && (held->card == card || held->tap == tap);
  }

  void be_quiet(const model::Moment& now) {
    pours_quiet_until = now.since_boot + options.settle_wait;
  }
  /// A row that is not sent any more leaves its lock at the server: the card would be in use for
  /// ever. A server with snapshots ends its locks by itself.
  void release_given_up(const model::CardUid& card, model::TapId tap, const model::Moment& now) {
    if (offline_rows == OfflineRows::batched) return;
    grants.release_soon(card, tap, now.since_boot);
  }

  [[nodiscard]] RequestId new_id() { return ++last_id_; }
  [[nodiscard]] RequestId newest_id() const { return last_id_; }
  [[nodiscard]] HttpRequest get(std::string path, std::chrono::milliseconds deadline) const;
  [[nodiscard]] HttpRequest post(std::string path, std::string body,
                                 std::chrono::milliseconds deadline) const;
  /// How long a row waits that was turned down so often before: ever longer.
  [[nodiscard]] std::chrono::milliseconds row_delay(std::int64_t failures) const {
    return doubled(options.first_row_retry, failures, options.longest_row_retry);
  }
  /// Back-off for one lane, with the options' bounds.
  [[nodiscard]] Backoff lane_backoff() const { return Backoff{limits_}; }

  /// Sorts an outcome and tells the circuit when it says that the server is there or not. A usable
  /// answer says so only once it was decoded: call `made_sense` then.
  [[nodiscard]] Heard hear(const std::string& endpoint, const HttpOutcome& outcome, bool from_probe,
                           const model::Moment& now);
  /// What a lane must know of a row under way.
  struct Row {
    std::int32_t attempts{0};  ///< Spent before.
    bool empty{false};         ///< It releases a lock and is no pour.
    model::Moment end;
    bool by_server{false};  ///< An authorization was made for it.
    model::CardUid card;
    model::TapId tap;
  };
  [[nodiscard]] static Row row_of(const model::Pour& pour) {
    return {.attempts = pour.attempts,
            .empty = pour.volume == model::Volume{},
            .end = pour.end,
            .by_server = pour.begin.authorized_by == model::AuthorizedBy::server,
            .card = pour.begin.card_uid,
            .tap = pour.begin.tap_id};
  }
  using Known = std::function<Row(const model::ClientTxId&)>;
  /// Tells the daemon what verdicts say.
  void tell_of(const std::vector<storage::Verdict>& verdicts, const Known& known,
               const model::Moment& now);
  /// Keeps the balance that an authorization brought, unless the ledger has a younger one already.
  /// `asked` is the ledger's marker of then.
  void hear_balance(RequestId request, const model::CardUid& card, const Allowed& allowed,
                    storage::Marker asked, const model::Moment& now);
  void made_sense(const std::string& endpoint);
  /// An answer that this endpoint should not give: told once, the server counts as reachable.
  void made_no_sense(const std::string& endpoint, const std::string& why);
  /// Somebody else answers in the server's place (a portal, a wrong address): as if it was not
  /// there.
  void not_the_server(const std::string& why, bool from_probe, const model::Moment& now);

 private:
  void opened(std::optional<std::chrono::milliseconds> delay, const std::string& why);
  [[nodiscard]] Heard no_response(const TransportError& error, bool from_probe,
                                  const model::Moment& now);

  void count_trouble(const std::string& endpoint, const Heard& heard);

  BackoffLimits limits_;
  std::set<std::string> failing_;  ///< Endpoints that answered with an error of their own last.
  RequestId last_id_{0};
};

/// Nobody knows whether the request has come to the server, or will: whoever answered in its place,
/// and whatever.
[[nodiscard]] bool may_come_late(const Heard& heard);

/// The server may still be at work on the request.
[[nodiscard]] bool leaves_in_doubt(const Heard& heard);

/// A moment later on both clocks.
[[nodiscard]] model::Moment later(const model::Moment& now, std::chrono::milliseconds delay);

}  // namespace tapd::sync
