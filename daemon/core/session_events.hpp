// What can happen to a tap and what a tap can ask for: the two alphabets of the tap session.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/core/policy.hpp"
#include "daemon/core/pour_meter.hpp"
#include "storage/model/records.hpp"

namespace tapd {

/// Why a tap does not sell although nothing is broken. Several may hold at once.
/// `keg_empty` and `silent` are what the tap itself has noticed.
enum class LockReason : std::uint8_t {
  emergency_stop,
  tap_status,
  no_keg,
  storage,
  shutdown,
  unsafe_kill,  ///< A kill would leave the valve open, and the configuration forbids to sell then.
  keg_empty,
  service,  ///< Staff have closed the tap.
  silent,   ///< Pour after pour hardly a pulse: a dead meter, or no beer.
};
/// What is broken. Several may hold at once. `noise` (more edges than the meter can make) and
/// `stuck_valve` (flow goes on after the shut) stay until somebody has looked and says so.
enum class FaultKind : std::uint8_t { reader, meter, valve, leak, noise, stuck_valve };

[[nodiscard]] std::string_view to_text(LockReason reason);
/// Staff may work where nothing is sold; not where the venue, the machine or the daemon itself says
/// that no valve may open.
[[nodiscard]] bool bars_staff(LockReason reason);
[[nodiscard]] std::string_view to_text(FaultKind kind);

// --- events --------------------------------------------------------------------------------------
/// Everything is opened and the ledger has recovered: the tap may sell.
struct Started {};
struct CardPresent {
  model::CardUid uid;
  bool lay_there{false};  ///< Nobody has laid it on: it opens nothing until it was taken away.
};
struct CardGone {
  model::SinceBoot last_seen{};  ///< The last good answer of the card.
};
/// Two cards, or one that cannot be a name.
struct CardUnusable {
  std::string why;
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
/// The server says no to the card that pours already: a small volume may still run.
struct RefusedLate {
  Denial denial;
};
/// The `open` row is durable.
struct BeginWritten {};
struct BeginFailed {
  Denial denial;
};
/// The last progress asked for is durable.
struct ProgressWritten {};
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
/// What staff do at a tap without a guest. What runs then is metered as non-sale.
enum class ServiceKind : std::uint8_t { valve_test, clean, keg_change, calibrate, bleed };
[[nodiscard]] std::string_view to_text(ServiceKind kind);
/// Opens the valve for staff; noted in the audit log before. Refused where a guest's session runs,
/// where something is broken, and while an emergency stop, a shutdown or an unsafe kill bars the
/// tap: see `TapSession::service_barred`.
struct ServiceBegun {
  ServiceKind kind{ServiceKind::valve_test};
  std::chrono::milliseconds longest{0};  ///< Nothing extends it.
  model::Volume most;                    ///< Shut when so much has run.
  bool from_menu{false};                 ///< What a staff card chose at the tap, and nobody else.
};
struct ServiceEnded {};
/// The card that lies there is staff's: it opens the service menu, see `ServiceMenu`.
struct StaffCard {
  model::CardUid uid;
};
/// Somebody has looked after what the tap cannot see healed; see own_closings.hpp.
struct Cleared {};
using Event =
    std::variant<Started, CardPresent, CardGone, CardUnusable, Flow, Tick, Granted, Denied,
                 RefusedLate, BeginWritten, BeginFailed, ProgressWritten, Locked, Unlocked, Faulted,
                 Repaired, Cleared, ServiceBegun, ServiceEnded, StaffCard>;

// --- actions -------------------------------------------------------------------------------------
struct OpenValve {};
/// Carried out before anything else that the same step asks for.
struct ShutValve {};
struct AskAuthorization {
  model::CardUid card;
};
/// A card at a tap that sells nothing to guests: is it staff's? The answer is `StaffCard` or none.
struct AskStaff {
  model::CardUid card;
};
/// What the service menu offers, in its order.
enum class ServiceAct : std::uint8_t { lift_limits, bleed, clean, keg_change, stop };
inline constexpr std::size_t service_act_count = 5;
[[nodiscard]] std::string_view to_text(ServiceAct act);
/// To be noted in the audit log and then done: answered by `ServiceBegun` or `Denied`.
struct RunAct {
  ServiceAct act{ServiceAct::stop};
  model::CardUid card;
};
/// A card has stopped staff's work. To be noted; the valve is shut already.
struct StaffStopped {
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
  MeterEvidence evidence;
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
  service,
  menu_lift,
  menu_bleed,
  menu_clean,
  menu_keg,
  menu_stop,
  remove_card,
  locked,
  fault,
};
struct Show {
  Display display{Display::idle};
};
/// What a flow looks like that is no sale.
enum class FlowSign : std::uint8_t {
  leak,         ///< Through a shut valve, past the alarm volume.
  seepage,      ///< Through a shut valve, little by little.
  stuck_valve,  ///< Steadily through a valve that was told to shut.
  gas,          ///< Too fast for liquid.
  keg_empty,    ///< Gas from a keg at its end; or gas, then nothing, and nothing again.
  silence,      ///< Nothing through an open valve.
  noise,        ///< More edges than the meter can make.
  line_refill,  ///< The first of a pour after a pause.
  valve_test,   ///< By staff, as the rest.
  cleaning,
  keg_change,
  calibration,
  bleeding,
};
/// The word of the flow event's `reason`.
[[nodiscard]] std::string_view to_text(FlowSign sign);
/// Where in its life a flow event is. At most one of a tap runs at a time.
enum class EventStage : std::uint8_t {
  whole,  ///< Told once, when it was over.
  started,
  updated,
  stopped,
};
/// The word of the flow event's `event_status`.
[[nodiscard]] std::string_view to_text(EventStage stage);
/// A flow event for the ledger and the server.
struct ReportFlow {
  FlowSign sign{FlowSign::leak};
  EventStage stage{EventStage::whole};
  model::Volume volume;  ///< Of the whole event so far.
  std::chrono::milliseconds duration{};
  bool valve_open{false};
};
/// What staff have done is over; the flow event tells its volume to the server.
struct ServiceDone {
  ServiceKind kind{ServiceKind::valve_test};
  model::Volume volume;
  std::int64_t edges{0};
  std::chrono::milliseconds open_for{};
};
/// The meter is to listen no more (its line storms), or to listen again.
struct ListenToMeter {
  bool on{true};
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
  abandoned,  ///< The card left before the valve opened.
  refused_late,
  gas,
  silence,
  line_refill,
  liquid_lost,
  menu_opened,
  menu_closed,  ///< Nothing was chosen.
};
struct Say {
  Topic topic{Topic::card_seen};
  std::string detail;
  std::string_view reason{};         ///< The word for programs; it outlives everything.
  std::optional<FaultKind> fault{};  ///< Of `tap_faulted`.
  std::optional<model::Volume> volume{};
};
using Action =
    std::variant<OpenValve, ShutValve, AskAuthorization, AskStaff, RunAct, StaffStopped, BeginPour,
                 RecordProgress, EndPour, Show, ReportFlow, ServiceDone, ListenToMeter, Say>;
using Actions = std::vector<Action>;

}  // namespace tapd
