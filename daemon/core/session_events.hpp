// What can happen to a tap and what a tap can ask for: the two alphabets of the tap session.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/core/policy.hpp"
#include "storage/model/records.hpp"

namespace tapd {

/// Why a tap does not sell although nothing is broken. Several may hold at once.
enum class LockReason : std::uint8_t {
  emergency_stop,
  tap_status,
  no_keg,
  storage,
  shutdown,
  unsafe_kill,  ///< A kill would leave the valve open, and the configuration forbids to sell then.
};
/// What is broken. Several may hold at once.
enum class FaultKind : std::uint8_t { reader, meter, valve, leak };

[[nodiscard]] std::string_view to_text(LockReason reason);
[[nodiscard]] std::string_view to_text(FaultKind kind);

// --- events --------------------------------------------------------------------------------------
/// Everything is opened and the ledger has recovered: the tap may sell.
struct Started {};
struct CardPresent {
  model::CardUid uid;
};
struct CardGone {
  model::SinceBoot last_seen{};  ///< The last good answer of the card.
};
/// Two cards, or one that cannot be a name.
struct CardUnusable {
  std::string why;
};
/// Edges of the meter, in any state.
struct Flow {
  std::int64_t edges{0};
  std::int64_t edges_lost{0};
};
struct Tick {};
/// The authorization's answer. A grant brings the id that the pour will carry.
struct Granted {
  Grant grant;
  model::ClientTxId client_tx_id;
};
struct Denied {
  Denial denial;
};
/// The `open` row is durable.
struct BeginWritten {};
struct BeginFailed {
  std::string why;
};
struct Locked {
  LockReason reason{LockReason::tap_status};
  std::string why;
};
struct Unlocked {
  LockReason reason{LockReason::tap_status};
};
struct Faulted {
  FaultKind kind{FaultKind::meter};
  std::string what;
};
struct Repaired {
  FaultKind kind{FaultKind::meter};
};
using Event = std::variant<Started, CardPresent, CardGone, CardUnusable, Flow, Tick, Granted,
                           Denied, BeginWritten, BeginFailed, Locked, Unlocked, Faulted, Repaired>;

// --- actions -------------------------------------------------------------------------------------
struct OpenValve {};
/// Carried out before anything else that the same step asks for.
struct ShutValve {};
struct AskAuthorization {
  model::CardUid card;
};
struct BeginPour {
  model::PourBegin begin;
};
struct RecordProgress {
  model::PourProgress progress;
};
struct EndPour {
  model::PourEnd end;
  std::optional<std::chrono::microseconds> close_time;  ///< What this pour taught, if anything.
};
/// What the guest is to see.
enum class Display : std::uint8_t {
  starting,
  idle,
  wait,
  ready,
  pouring,
  nearly_out,
  denied_funds,
  denied_card,
  denied_tap,
  remove_card,
  locked,
  fault,
};
struct Show {
  Display display{Display::idle};
};
/// Flow through a shut valve passed the alarm volume: an event for the server and the journal.
struct ReportLeak {
  model::Volume volume;
};
/// A line for the journal; the speaker adds tap, card, receipt and amounts.
enum class Topic : std::uint8_t {
  card_seen,
  denied,
  valve_opened,
  pour_ended,
  tap_locked,
  tap_unlocked,
  tap_faulted,
  tap_repaired,
  leak,
  abandoned,  ///< The card left before the valve opened.
};
struct Say {
  Topic topic{Topic::card_seen};
  std::string detail;
};
using Action = std::variant<OpenValve, ShutValve, AskAuthorization, BeginPour, RecordProgress,
                            EndPour, Show, ReportLeak, Say>;
using Actions = std::vector<Action>;

}  // namespace tapd
