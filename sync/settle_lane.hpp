// Offline pours on a server that charges no row without a live authorization (contract, section 2,
// "Offline pours on BTS"): one row at a time, the authorization is asked for now, the guest is
// compared, and the row is sent alone at once. It also releases the locks of authorizations that no
// pour followed. Never while a session with that card or on that tap runs; a card that is laid on
// meanwhile waits for the settlement, within its own deadline.
//
//   asking --same guest or denied--> sending row --judged--> done
//   asking --another guest---------> row parked for staff, the lock is released next
//   asking --staff park the row----> it is not sent, the lock is released next
//   asking, sending --no answer----> the row waits, another is tried first
//   asking, sending ----500--------> the row waits, ever longer; an attempt is spent only when
//                                    others went through right before and after: see Doubts
//
//   asking again --any verdict--> releasing
//
// A row that the server had already, or could not use, leaves its authorization behind: that is
// released, too. A lock that may be gone already is asked for again first: the server records only
// a release that ends a lock, and one that it has not recorded may come again by some proxy and
// take the lock of a later pour.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "sync/doubts.hpp"
#include "sync/lane_context.hpp"
#include "sync/wire.hpp"

namespace tapd::sync {

class SettleLane {
 public:
  /// Rows whose card is in use are looked at again this often.
  static constexpr std::chrono::milliseconds look_again{1'000};
  /// How many of the oldest rows are considered, and how many when none of those is free.
  static constexpr std::size_t few_considered = 32;
  static constexpr std::size_t most_considered = 2'048;
  /// A lock that the server will not release is left alone after so many errors, the last of them
  /// hours after the first.
  static constexpr int most_releases = 12;

  /// Of the unresolved authorizations so many are noted for the next run, the newest.
  static constexpr std::size_t most_noted = 16;
  /// Whether one that is noted still waits for its end is looked at again after this.
  static constexpr std::chrono::minutes note_lasts{30};

  explicit SettleLane(LaneContext& context) : context_{context}, backoff_{context.lane_backoff()} {}

  void look() { next_look_ = {}; }
  /// What the run before had noted; it is kept until it is known how this server wants its rows.
  void take_over(const storage::LeftBehind::Locks& noted) { before_ = noted_ = noted; }
  void release_what_was_noted(const model::Moment& now);
  void due(const model::Moment& now, std::vector<Outgoing>& outgoing);
  [[nodiscard]] model::SinceBoot wake_at() const;
  /// Also while the server is away.
  [[nodiscard]] model::SinceBoot note_at() const;
  /// False: not a request of this lane.
  bool on_outcome(RequestId id, const HttpOutcome& outcome, const model::Moment& now);

 private:
  static constexpr const char* standing_work = "looking whether a card is in use";
  /// What the server says of a card that is locked to another tap.
  static constexpr const char* in_use = "card_in_use_on_other_tap";

  enum class Step : std::uint8_t { none, asking, sending_row, asking_again, releasing };

  [[nodiscard]] bool release_abandoned(const model::Moment& now, std::vector<Outgoing>& outgoing);
  void note_unresolved(const model::Moment& now);
  [[nodiscard]] storage::Result<storage::LeftBehind::Locks> unresolved(const model::Moment& now);
  [[nodiscard]] model::SinceBoot rows_look_at() const;
  void settle_next(const model::Moment& now, std::vector<Outgoing>& outgoing);
  [[nodiscard]] std::optional<model::Pour> choose(const model::Moment& now);
  [[nodiscard]] std::optional<model::Pour> choose_hurried(const model::Moment& now, bool& failed);
  [[nodiscard]] std::optional<model::Pour> first_free(const std::vector<model::Pour>& rows,
                                                      const model::Moment& now, bool& failed);
  void ask(const model::Moment& now, std::vector<Outgoing>& outgoing);
  void send_row(const model::Moment& now, std::vector<Outgoing>& outgoing);
  void ask_for(Step step, const model::CardUid& card, model::TapId tap,
               std::vector<Outgoing>& outgoing);
  void send_release(std::vector<Outgoing>& outgoing);

  void on_leave(RequestId id, const Heard& heard, const model::Moment& now);
  void on_allowed(const Allowed& allowed, const model::Moment& now);
  void on_row_answer(const Heard& heard, const model::Moment& now);
  void on_server_error(Step step, const Heard& heard, const model::Moment& now);
  [[nodiscard]] Doubts::Records records() const;
  void on_asked_again(const Heard& heard, const model::Moment& now);
  void on_release_answer(const Heard& heard, const model::Moment& now);
  void on_release_judged(const storage::Verdict& verdict, const Heard& heard,
                         const model::Moment& now);
  void release_soon(const model::Moment& now);
  void judge_sent(const storage::Verdict& verdict, const model::Moment& now);
  void not_released(const Heard& heard, const model::Moment& now);
  void release_failed(Grants::Grant& grant, const Heard& heard, const model::Moment& now);
  void judge_row(const storage::Verdict& verdict, const model::Moment& now);
  void unanswered(const Heard& heard, const model::Moment& now);
  void later_then(const Heard& heard, const model::Moment& now);
  void end(const model::Moment& now);
  void books_failed(const char* work, const storage::Error& error, const model::Moment& now);

  LaneContext& context_;
  Backoff backoff_;
  Step step_{Step::none};
  Step next_step_{Step::none};  ///< To be started by the next `due`.
  RequestId in_flight_{0};
  std::optional<model::Pour> pour_;
  std::optional<Grants::Grant> grant_;
  storage::Marker marker_{0};
  std::set<model::ClientTxId> passed_over_;  ///< Failed without a verdict; the others go first.
  Doubts doubts_;
  storage::LeftBehind::Locks before_;  ///< Noted by the run before, and not taken up yet.
  storage::LeftBehind::Locks noted_;   ///< As the ledger has them.
  model::SinceBoot noted_at_{-Grants::until_begun};
  model::SinceBoot next_look_{};
  model::SinceBoot not_before_{};
  std::uint64_t judged_{0};  ///< Of LaneContext::pours_judged at the last trouble.
};

}  // namespace tapd::sync
