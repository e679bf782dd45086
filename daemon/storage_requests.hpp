// What the control loop asks of the ledger, and what it answers: plain values that travel between
// the threads. `carry_out_together` is the whole of what the storage thread does with them, so that
// a test or a simulation can do the same without a thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "daemon/core/policy.hpp"
#include "daemon/core/serving_limits.hpp"
#include "daemon/core/session_events.hpp"
#include "storage/ledger.hpp"

namespace tapd {

/// Writes the `open` row. Refused when the guest's balance no longer covers the hold, or the hold
/// no longer fits the offline limits: another tap may have taken it between the decision and now.
struct BeginRow {
  model::PourBegin begin;
  OfflineLimits offline{};                ///< For what the cache has allowed.
  std::optional<ServingClaim> serving{};  ///< Only where there are serving limits.
  model::Money overdraft{};               ///< By leave of the server: what the hold may take more.
};
struct ProgressRow {
  model::TapId tap;
  model::PourProgress progress;
};
struct EndRow {
  model::TapId tap;
  model::PourEnd end;
  std::optional<std::chrono::microseconds> close_time;  ///< Learnt; kept for the next start.
};
struct ReadFacts {
  std::uint64_t ticket{0};
  model::CardUid card;
  model::TapId tap;
};
/// Taps, emergency stop and the queue: what the venue wants of us and how we stand.
struct ReadWorld {};
struct WriteFlowEvent {
  model::FlowEvent event;
};
/// What a staff card does at a tap: in the audit log before it counts (a stop, afterwards).
struct NoteAct {
  model::TapId tap;
  model::CardUid card;
  ServiceAct act{ServiceAct::stop};
  std::string detail;  ///< Its bounds, in words.
  model::Moment at;
};
/// The wall clock can be trusted: what this boot wrote before can be dated now.
struct NoteClock {
  model::Moment at;
};
/// What a tap has closed by itself, for the next start; see own_closings.hpp. Empty: nothing.
struct KeepClosings {
  model::TapId tap;
  std::string closings;
};
using StorageRequest = std::variant<BeginRow, ProgressRow, EndRow, ReadFacts, ReadWorld,
                                    WriteFlowEvent, NoteAct, NoteClock, KeepClosings>;

/// Nothing: the pour is begun. A denial: another tap has taken meanwhile what it was granted.
using Begun = storage::Result<std::optional<Denial>>;
struct BeginRowDone {
  model::TapId tap;
  model::ClientTxId client_tx_id;
  Begun result;
};
struct ProgressRowDone {
  model::TapId tap;
  storage::Result<> result;
};
struct EndRowDone {
  model::TapId tap;
  model::ClientTxId client_tx_id;
  storage::Result<model::Pour> result;
};
struct FactsRead {
  std::uint64_t ticket{0};
  storage::Result<model::AuthorizationFacts> result;
};
struct World {
  std::vector<model::Tap> taps;
  bool emergency_stop{false};
  storage::QueueCounts queue;
};
struct WorldRead {
  storage::Result<World> result;
};
struct FlowEventDone {
  model::FlowEvent event;
  storage::Result<> result;
};
struct ActNoted {
  model::TapId tap;
  model::CardUid card;
  ServiceAct act{ServiceAct::stop};
  storage::Result<> result;
};
struct ClockNoted {
  storage::Result<> result;
};
struct ClosingsKept {
  model::TapId tap;
  std::string closings;
  storage::Result<> result;
};
using StorageAnswer = std::variant<BeginRowDone, ProgressRowDone, EndRowDone, FactsRead, WorldRead,
                                   FlowEventDone, ActNoted, ClockNoted, ClosingsKept>;

/// What the answer says of the disk: whether it took what was to be written; nullopt: nothing was
/// written, or the ledger itself has refused it.
[[nodiscard]] std::optional<bool> was_written(const StorageAnswer& answer);

/// The `meta` key under which a tap's learnt closing time is kept, in microseconds.
[[nodiscard]] std::string close_time_key(model::TapId tap);
/// And that under which is kept what the tap has closed by itself.
[[nodiscard]] std::string closings_key(model::TapId tap);

/// Carries one request out. Storage thread.
[[nodiscard]] StorageAnswer carry_out(storage::Ledger& ledger, const model::BootId& boot,
                                      const StorageRequest& request);

/// Carries out what waits together in one commit (group commit) and answers each, in order: a
/// request that is refused does not undo its neighbours, and when the commit does not become
/// durable, all have failed. Storage thread.
[[nodiscard]] std::vector<StorageAnswer> carry_out_together(
    storage::Ledger& ledger, const model::BootId& boot, std::span<const StorageRequest> requests);

}  // namespace tapd
