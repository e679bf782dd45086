// The rows of the local data model in C++ (design: data model; names are the dictionary's). Plain
// values: who may change what, and when, is decided in the ledger.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/model/ids.hpp"
#include "storage/model/money.hpp"
#include "storage/model/time.hpp"
#include "storage/model/volume.hpp"

namespace tapd::model {

/// Where a pour stands in the queue: new -> sent -> confirmed | failed, after `open` while it runs.
enum class PourStatus : std::uint8_t { open, fresh, sent, confirmed, failed };

/// Why a pour ended. Stored as text in `stop_reason`.
enum class StopReason : std::uint8_t {
  card_removed,    ///< The guest took the card away (the usual end).
  card_tapped,     ///< Tap-to-start: the same card was laid on again.
  limit_reached,   ///< Balance, serving or per-pour limit.
  no_flow,         ///< Valve open, nothing ran for the flow time-out.
  time_limit,      ///< The absolute open time of the valve.
  other_card,      ///< Another card came onto the reader.
  emergency_stop,  ///< Stopped by the venue.
  tap_locked,      ///< Tap locked by the server or by staff.
  refused_late,    ///< The server said no while it poured.
  reader_fault,    ///< The reader stopped answering.
  meter_fault,     ///< Implausible or lost meter.
  valve_fault,     ///< The valve could not be commanded.
  storage_fault,   ///< The ledger could not be written.
  shutdown,        ///< tapd was told to stop.
  power_loss,      ///< Found open at start; ended at its last progress.
};

/// Who allowed the pour: the venue server, or the cached balance.
enum class AuthorizedBy : std::uint8_t { server, cache };

enum class CardStatus : std::uint8_t { active, inactive, lost };
enum class TapStatus : std::uint8_t { active, locked, cleaning, empty };
enum class KegStatus : std::uint8_t { full, in_use, empty };

// Texts as the dictionary spells them; `parse_*` answer nullopt for anything else.
[[nodiscard]] std::string_view to_text(PourStatus status);
[[nodiscard]] std::string_view to_text(StopReason reason);
[[nodiscard]] std::string_view to_text(AuthorizedBy by);
[[nodiscard]] std::string_view to_text(CardStatus status);
[[nodiscard]] std::string_view to_text(TapStatus status);
[[nodiscard]] std::string_view to_text(KegStatus status);
[[nodiscard]] std::optional<PourStatus> parse_pour_status(std::string_view text);
[[nodiscard]] std::optional<StopReason> parse_stop_reason(std::string_view text);
[[nodiscard]] std::optional<AuthorizedBy> parse_authorized_by(std::string_view text);
[[nodiscard]] std::optional<CardStatus> parse_card_status(std::string_view text);
[[nodiscard]] std::optional<TapStatus> parse_tap_status(std::string_view text);
[[nodiscard]] std::optional<KegStatus> parse_keg_status(std::string_view text);

/// What is known when a pour begins: written durably before the valve opens, never changed after.
struct PourBegin {
  ClientTxId client_tx_id;
  GuestId guest_id;
  CardUid card_uid;
  TapId tap_id;
  KegId keg_id;  ///< May be empty: the server did not say.
  LitrePrice price;
  AuthorizedBy authorized_by{AuthorizedBy::cache};
  Money hold;  ///< The most this pour may cost: what the balance lacks while it is open.
  Moment start;
  std::int64_t calibration_id{0};
};

/// How far a pour has come. Cumulative: the newest replaces the one before.
struct PourProgress {
  ClientTxId client_tx_id;
  Volume volume;
  Volume tail;
  Money price;
  std::int64_t pulses{0};      ///< Whole pulses (two edges each).
  std::int64_t edges_lost{0};  ///< Edges the kernel says it dropped (gaps in line_seqno).
  Moment at;
};

/// The end of a pour. `last` is its final progress; `duration` is valve time.
struct PourEnd {
  PourProgress last;
  StopReason reason{StopReason::card_removed};
};

/// A finished pour as the queue and people see it.
struct Pour {
  PourBegin begin;
  Volume volume;  ///< Everything that ran, tail included.
  Volume tail;    ///< The part that ran after the valve was told to close.
  Money price;
  Moment end;
  std::chrono::milliseconds duration{};
  StopReason stop_reason{StopReason::card_removed};
  PourStatus status{PourStatus::fresh};
  std::int64_t pulses{0};
  std::int64_t edges_lost{0};
  std::int64_t checkpoints{0};  ///< How many progress writes preceded the end.
  std::int32_t attempts{0};
  std::string last_error;
  std::string server_outcome;
};

/// Reference data as heard from the venue server (dictionary tables of the same names).
struct Beverage {
  BeverageId id;
  std::string name;
  std::string brewery;
  std::string style;
  LitrePrice price;
};
struct Keg {
  KegId id;
  BeverageId beverage_id;
  Volume initial_volume;
  Volume current_volume;
  KegStatus status{KegStatus::in_use};
};
struct Tap {
  TapId id;
  std::optional<KegId> keg_id;
  std::string display_name;
  TapStatus status{TapStatus::active};
};
struct Guest {
  GuestId id;
  std::string first_name;
  Money balance;
  bool active{true};
};
struct Card {
  CardUid uid;
  std::optional<GuestId> guest_id;
  CardStatus status{CardStatus::active};
};
struct SystemState {
  std::string key;
  std::string value;
};

/// Everything the venue server told in one snapshot: replaces the whole cache.
struct Snapshot {
  std::int64_t revision{0};
  std::vector<Beverage> beverages;
  std::vector<Keg> kegs;
  std::vector<Tap> taps;
  std::vector<Guest> guests;
  std::vector<Card> cards;
  std::vector<SystemState> system_states;

  /// Heard by themselves in answer to questions asked after that for the snapshot: these rows stay
  /// as they are until the next one. A card that it does not call active loses its standing even
  /// so.
  struct HeardSince {
    std::vector<GuestId> guests;
    std::vector<CardUid> cards;
  };
  HeardSince heard_since{};
};

/// What became different at the venue server between two of its revisions. The system states are
/// all there: they are few, and the emergency stop is among them.
struct SnapshotChanges {
  /// What is no longer there.
  struct Gone {
    std::vector<BeverageId> beverages;
    std::vector<KegId> kegs;
    std::vector<TapId> taps;
    std::vector<GuestId> guests;
    std::vector<CardUid> cards;
  };
  std::int64_t since{0};  ///< The revision that they start from.
  Snapshot now;           ///< Of the later revision: rows that are new or say something else.
  Gone gone;
};

/// Flow outside a sale (leak, cleaning, ...), told to the server like a pour. `volume` is
/// cumulative per `event_id` (wire contract, section 3).
struct FlowEvent {
  std::string event_id;
  std::string event_status;  ///< "started", "updated" or "stopped".
  TapId tap_id;
  Volume volume;
  std::chrono::milliseconds duration{};
  bool card_present{false};
  bool valve_open{false};
  std::string session_state;
  std::string reason;
  Moment at;
};

/// Everything the authorization policy needs to know about one card at one tap, read in one go.
/// Pours that the cache allowed and the server has not confirmed: the venue's risk.
struct OfflineSpending {
  std::int64_t pours{0};
  Money spent;  ///< Charges, and holds of those that run.
};

/// A pour as the serving limits count it.
struct Serving {
  std::string category;  ///< The beverage's style when it was poured; empty: not known then.
  Volume volume;         ///< Of one that runs: the most that it may come to.
  Moment start;
  BootId boot;
};

struct AuthorizationFacts {
  std::optional<Card> card;
  std::optional<Guest> guest;      ///< `balance` is the last one heard.
  std::optional<Moment> heard_at;  ///< When that balance was heard; none: never.
  std::optional<BootId> heard_boot;
  Money available;  ///< Last balance heard minus every charge and hold it does not contain.
  std::optional<Tap> tap;
  std::optional<Keg> keg;
  std::optional<Beverage> beverage;
  bool emergency_stop{false};
  OfflineSpending offline_guest;       ///< Of this guest, whichever card.
  OfflineSpending offline_controller;  ///< Of everybody at this controller.
  std::vector<Serving> servings;       ///< Of this guest, newest first; only with serving limits.
};

}  // namespace tapd::model
