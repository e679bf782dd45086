// The sync engine: what is asked of the venue server, when, and what its answers mean. It holds no
// thread and no socket: the sync thread starts the requests it names and hands it the outcomes;
// time and randomness are handed in, so a whole outage can be played in microseconds. At most one
// request with pours is in flight; an authorization never waits behind it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/model/records.hpp"
#include "sync/authorize.hpp"
#include "sync/backoff.hpp"
#include "sync/books.hpp"
#include "sync/transport.hpp"

namespace tapd::sync {

/// How the engine behaves; every value has a default that suits a venue's own server. The engine's
/// constructor throws std::invalid_argument for values that no server could take.
struct EngineOptions {
  std::string controller_id;     ///< 1 to 50 letters, digits, '-', '_' or '.'.
  std::string firmware_version;  ///< Sent cut to 20 characters.
  std::string ip_address;        ///< For people at the server; may be empty, at most 45 characters.
  std::string token;             ///< Sent as X-Internal-Token; never logged.
  std::size_t batch_size{50};    ///< Rows of one request, 1 to 500.
  std::int32_t attempt_cap{10};  ///< Verdicts against a row before it is parked, 1 to 1000.
  std::chrono::milliseconds authorize_deadline{400};
  std::chrono::milliseconds request_deadline{10'000};
  std::chrono::milliseconds snapshot_interval{2'000};
  /// Even an unchanged snapshot is fetched and applied anew this often: the age of the cached
  /// balances, which the offline policy bounds, must not hang on an ETag alone.
  std::chrono::milliseconds whole_snapshot_interval{600'000};
  std::chrono::milliseconds register_interval{60'000};
  std::chrono::milliseconds first_backoff{500};
  std::chrono::milliseconds longest_backoff{300'000};
  /// After a request with pours whose answer is unknown: the server may still be at work on it, and
  /// the existing server's balance updates do not bear two requests at once.
  std::chrono::milliseconds settle_wait{3'000};
  /// A row that the server turned down is sent again after this, doubled per attempt...
  std::chrono::milliseconds first_row_retry{15'000};
  std::chrono::milliseconds longest_row_retry{3'600'000};  ///< ...up to this.
};

/// A wish for an online authorization. `ticket` comes back with the answer.
struct AuthorizeAsk {
  std::uint64_t ticket{0};
  model::CardUid card;
  model::TapId tap;
};

// --- what the daemon is told ---------------------------------------------------------------------
/// Once for each wish, in time; and once more when a refusal comes after that time.
struct AuthorizeAnswered {
  std::uint64_t ticket{0};
  model::CardUid card;
  model::TapId tap;
  AuthorizeVerdict verdict;
};
struct ServerReachable {};
struct ServerUnreachable {
  std::string why;
  std::chrono::milliseconds next_try{};
};
/// 401 or 403: pushing pauses; rows wait, attempts untouched.
struct TokenRefused {
  std::string what;
};
struct SnapshotApplied {
  std::int64_t revision{0};
  std::size_t guests{0};  ///< Of changes: those that are new, different or gone.
  std::size_t cards{0};
  std::optional<std::int64_t> since{};  ///< Only the changes since this revision; none: the whole.
};
/// The server has no snapshot (404, or 401 with a token that is good elsewhere): balances are
/// learnt from authorizations. Told once.
struct NoSnapshotHere {};
/// The venue's emergency stop as the server tells it, by snapshot or by status. Told when it is
/// first heard and at each change; with a snapshot, after the ledger has it.
struct EmergencyStop {
  bool on{false};
};
struct PoursConfirmed {
  std::size_t count{0};
  /// From the end of each to now; without those whose clock was not set.
  std::vector<std::chrono::milliseconds> after{};
};
/// A row that was not charged: turned down, or noted for staff (`audit_only`, which counts as
/// confirmed too: the server has it).
struct PourNotBooked {
  model::ClientTxId client_tx_id;
  std::string outcome;
  std::string reason;
  bool final{false};  ///< No attempt is left, or the server's word is final.
};
/// An answer that makes no sense: which endpoint, why.
struct Nonsense {
  std::string endpoint;
  std::string why;
};
/// The ledger refused or failed; the engine tries again later.
struct BooksTrouble {
  std::string what;
};
using Notice = std::variant<AuthorizeAnswered, ServerReachable, ServerUnreachable, TokenRefused,
                            SnapshotApplied, NoSnapshotHere, EmergencyStop, PoursConfirmed,
                            PourNotBooked, Nonsense, BooksTrouble>;

/// A request to be started now.
struct Outgoing {
  RequestId id{0};
  HttpRequest request;
};

/// What the engine's constructor would throw for; empty: nothing.
[[nodiscard]] std::string fault_of(const EngineOptions& options);
/// 1 to 50 letters, digits, '-', '_' or '.'.
[[nodiscard]] bool is_controller_id(std::string_view id);

class Engine {
 public:
  Engine(EngineOptions options, Books& books, Random random);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) = delete;
  Engine& operator=(Engine&&) = delete;

  /// Requests that are due now. Call after every input and whenever `wake_at` has passed.
  [[nodiscard]] std::vector<Outgoing> due(const model::Moment& now);
  /// When `due` has something new without any input.
  [[nodiscard]] model::SinceBoot wake_at() const;
  /// The outcome of a request.
  void on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now);
  /// A card asks; the answer is a notice, at the latest `authorize_deadline` later.
  void ask(const AuthorizeAsk& ask, const model::Moment& now);
  /// A pour was written: look at the queue soon.
  void pours_waiting();
  /// A row of this card at this tap is not sent any more, by somebody's hand: the lock that it may
  /// have at the server is released.
  void given_up(const model::CardUid& card, model::TapId tap, const model::Moment& now);
  /// What happened since the last call, oldest first.
  [[nodiscard]] std::vector<Notice> take_notices();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> self_;
};

}  // namespace tapd::sync
