// The tap session: everything that is hard about a tap, decided in one place. A value without I/O,
// clock or thread: an event and the moment go in, actions come out. The control loop carries them
// out in order. It promises that the valve is open only in `ready` and `pouring`, which are reached
// only after the pour's row is durable, and in `servicing`, which staff begin and a time and a
// volume bound; and that every way out of them shuts the valve.
//
//   state        leaves for
//   starting     idle (Started)
//   idle         authorizing (card), denied (unusable card)
//   authorizing  preparing (granted), denied (refused, time-out, two cards), idle (card gone)
//   preparing    ready (row durable), settling (card gone, lock, fault), denied (not written)
//   ready        pouring (first flow), settling (any end)
//   pouring      settling (any end)
//   settling     finished (quiet), authorizing (another card lies there)
//   denied       idle (card gone, and shown long enough), authorizing (a card laid on anew)
//   finished     idle (card gone), denied (unusable card)
//   locked       idle (unlocked)                any state but ready/pouring/settling enters it
//   faulted      idle (repaired)                likewise; faults win over locks
//   servicing    settling (any end)             from idle, finished, denied, or a lock for guests
//   service_menu servicing (an act), denied (done, or not noted), idle or locked (closed)
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "daemon/core/calibration.hpp"
#include "daemon/core/meter_rules.hpp"
#include "daemon/core/noise_watch.hpp"
#include "daemon/core/own_closings.hpp"
#include "daemon/core/pour_meter.hpp"
#include "daemon/core/service_menu.hpp"
#include "daemon/core/session_events.hpp"
#include "daemon/core/stray_flow.hpp"
#include "daemon/core/tail_estimate.hpp"

namespace tapd {

enum class TapState : std::uint8_t {
  starting,
  idle,
  authorizing,
  preparing,
  ready,
  pouring,
  settling,
  denied,
  finished,
  locked,
  faulted,
  servicing,
  service_menu,  ///< A staff card chooses what to do; the valve is shut.
};
inline constexpr std::size_t tap_state_count = static_cast<std::size_t>(TapState::service_menu) + 1;
[[nodiscard]] std::string_view to_text(TapState state);

enum class SessionMode : std::uint8_t {
  card_present,  ///< The card stays on the reader while it pours.
  tap_to_start,  ///< Lay it on to start, again to stop.
};

/// Times and amounts that bound a session.
struct SessionRules {
  SessionMode mode{SessionMode::card_present};
  std::chrono::milliseconds authorize_timeout{3'000};
  std::chrono::milliseconds prepare_timeout{1'500};
  std::chrono::milliseconds no_flow_timeout{15'000};  ///< Valve open, nothing runs.
  /// The valve was open so many times that long, over any number of pours, and nothing came: the
  /// meter counts as dead or the keg as gone, since beer would run that nobody pays. 0: never.
  int silent_pours{4};
  std::chrono::milliseconds longest_open{180'000};  ///< Nothing extends it.
  std::chrono::milliseconds tail_quiet{150};        ///< No edge for so long: it has settled.
  std::chrono::milliseconds longest_tail{1'000};
  std::chrono::milliseconds progress_every{1'000};
  model::Volume progress_volume{model::Volume::microlitres(50'000)};
  std::chrono::microseconds longest_close_time{300'000};  ///< Bound of the learnt tail.
  std::chrono::milliseconds service_told_every{5'000};    ///< What runs for staff is told so often.
  std::chrono::milliseconds denial_shown{2'000};  ///< At least, also when the card has left.
  model::Volume nearly_out{model::Volume::microlitres(50'000)};
  StrayRules stray;
  std::chrono::milliseconds keg_silence{2'000};                  ///< After gas: the keg is empty.
  model::Volume keg_end{model::Volume::microlitres(2'000'000)};  ///< A keg with less may be empty.
  MeterRules meter;
  model::Volume late_refusal{model::Volume::microlitres(30'000)};  ///< See PolicyRules.
  MenuRules menu;
};

/// What a tap shows to the API: a snapshot of its session.
struct TapView {
  TapState state{TapState::starting};
  std::string reason;  ///< Why denied, locked or faulted; why the last pour ended.
  std::optional<model::CardUid> card;
  std::optional<Grant> grant;
  std::optional<model::ClientTxId> client_tx_id;
  model::Volume volume;
  model::Money price;
  std::int64_t edges{0};  ///< Of a service.
};

class TapSession {
 public:
  TapSession(model::TapId tap, SessionRules rules, Calibration calibration, TailEstimate tail);

  /// With less through an open valve nothing has come: dirt that holds an impeller lets it twitch.
  static constexpr model::Volume some_beer = model::Volume::microlitres(10'000);

  /// One step. `now` never goes backwards in time since boot.
  [[nodiscard]] Actions on(const Event& event, const model::Moment& now);
  /// When a Tick changes something without any other event.
  [[nodiscard]] std::optional<model::SinceBoot> wake_at() const;

  [[nodiscard]] TapState state() const { return state_; }
  [[nodiscard]] model::TapId tap() const { return tap_; }
  /// The valve is commanded open.
  [[nodiscard]] bool valve_open() const {
    return state_ == TapState::ready || state_ == TapState::pouring ||
           state_ == TapState::servicing;
  }
  [[nodiscard]] bool has_fault(FaultKind kind) const { return faults_.contains(kind); }
  [[nodiscard]] bool has_lock(LockReason reason) const { return locks_.contains(reason); }
  /// Why staff have closed the tap, whatever else keeps it from selling; empty: they have not.
  [[nodiscard]] std::string closed_by_staff() const {
    const auto lock = locks_.find(LockReason::service);
    return lock == locks_.end() ? std::string{} : lock->second;
  }
  /// What a start must know of, since only somebody who has looked may open it again.
  [[nodiscard]] OwnClosings own_closings() const;
  /// Why staff cannot open the valve now; empty: they can.
  [[nodiscard]] std::string service_barred(bool from_menu = false) const;
  /// The service menu has handed over this act and it is neither begun nor denied.
  [[nodiscard]] bool waits_for(ServiceAct act, const model::CardUid& card) const;
  [[nodiscard]] TapView view() const;
  [[nodiscard]] const TailEstimate& tail() const { return tail_; }
  [[nodiscard]] const Calibration& calibration() const { return calibration_; }
  /// Nobody pours and no staff work here.
  [[nodiscard]] bool may_recalibrate() const { return !sale_ && !service_; }
  /// Takes effect for the next pour; refused (false) while one runs.
  [[nodiscard]] bool recalibrate(Calibration calibration);

 private:
  /// A pour from its grant to its end.
  struct Sale {
    Grant grant;
    model::ClientTxId id;
    model::CardUid card;
    PourMeter meter;
    model::SinceBoot opened_at{};
    model::SinceBoot last_flow{};
    model::SinceBoot silent_since{};  // since when `some_beer` has not come, ...
    model::Volume silent_from;        // ... after so much
    model::SinceBoot shut_at{};
    model::SinceBoot progress_at{};
    model::Volume progress_volume;
    bool progress_under_way{false};
    model::StopReason reason{model::StopReason::card_removed};
    model::StopReason at_limit{model::StopReason::limit_reached};
    bool row_written{false};
  };

  /// What staff do, from the opened valve until it is quiet after the shut.
  struct Service {
    ServiceBegun what;
    model::SinceBoot opened_at{};
    model::SinceBoot shut_at{};
    model::SinceBoot last_flow{};
    PulsePace pace;
    FineVolume volume;
    std::int64_t edges{0};
    std::optional<model::Volume> told{};  ///< So far; what a power cut then leaves in the books.
    model::SinceBoot told_at{};
  };

  void on_event(const Started&, const model::Moment& now);
  void on_event(const CardPresent& event, const model::Moment& now);
  void on_event(const CardGone& event, const model::Moment& now);
  void on_event(const CardUnusable& event, const model::Moment& now);
  void on_event(const Flow& event, const model::Moment& now);
  void on_event(const Tick&, const model::Moment& now);
  void on_event(const Granted& event, const model::Moment& now);
  void on_event(const Denied& event, const model::Moment& now);
  void on_event(const RefusedLate& event, const model::Moment& now);
  void on_event(const BeginWritten&, const model::Moment& now);
  void on_event(const BeginFailed& event, const model::Moment& now);
  void on_event(const ProgressWritten&, const model::Moment& now);
  void on_event(const Locked& event, const model::Moment& now);
  void on_event(const Unlocked& event, const model::Moment& now);
  void on_event(const Faulted& event, const model::Moment& now);
  void on_event(const Repaired& event, const model::Moment& now);
  void on_event(const Cleared&, const model::Moment& now);
  void on_event(const ServiceBegun& event, const model::Moment& now);
  void on_event(const ServiceEnded&, const model::Moment& now);
  void on_event(const StaffCard& event, const model::Moment& now);

  void authorize(const model::CardUid& card, const model::Moment& now);
  void deny(const Denial& denial, const model::Moment& now);
  [[nodiscard]] PourMeter new_meter(const model::Moment& now) const;
  void pour_flow(const Flow& flow, const model::Moment& now);
  void stop_at_limit(const model::Moment& now);
  void stray_flow(const Flow& flow, const model::Moment& now);
  void stop_for_gas(const model::Moment& now);
  void stop_for_sudden_silence(const model::Moment& now);
  void stop_for_silence(const model::Moment& now);
  [[nodiscard]] bool keg_at_its_end() const;
  [[nodiscard]] std::optional<model::SinceBoot> keg_silent_at() const;
  void stop_for_empty_keg(const model::Moment& now);
  void heed_silence(const model::Moment& now);
  void beer_came();
  void count_silence(const model::Moment& now);
  [[nodiscard]] std::chrono::milliseconds longest_silence() const;
  void report_noise(const model::Moment& now);
  void fault_stuck_valve(model::Volume volume, const model::Moment& now);
  void watch_stray_flow(const model::Moment& now);
  [[nodiscard]] std::optional<model::SinceBoot> state_wakes_at() const;
  void report_line_refill(const model::Moment& now);
  void end_row(const model::Moment& now);
  void stop(model::StopReason reason, const model::Moment& now);
  void settle_if_quiet(const model::Moment& now);
  void finish(const model::Moment& now);
  void service_flow(const Flow& flow, const model::Moment& now);
  void end_service(const model::Moment& now);
  [[nodiscard]] model::SinceBoot service_told_next() const;
  void tell_service_if_due(const model::Moment& now);
  void report_service(EventStage stage, model::SinceBoot until);
  void settle_service(const model::Moment& now);
  void finish_service(const model::Moment& now);
  void show_act();
  void touch_menu(const model::CardUid& uid, const model::Moment& now);
  void touch_service(const model::CardUid& uid, const model::Moment& now);
  void lead_menu(const model::Moment& now);
  void rest(const model::Moment& now);
  void enter(TapState state, const model::Moment& now);
  [[nodiscard]] model::PourProgress progress(const model::Moment& now) const;
  /// Of all that is broken what must be told first: a valve that pours by itself is a leak, too.
  [[nodiscard]] std::string fault_in_words() const;
  [[nodiscard]] bool blocked() const { return !faults_.empty() || !locks_.empty(); }
  void interrupt(model::StopReason reason, const model::Moment& now);
  void record_progress_if_due(const model::Moment& now);

  model::TapId tap_;
  SessionRules rules_;
  Calibration calibration_;
  TailEstimate tail_;
  TapState state_{TapState::starting};
  model::SinceBoot entered_{};
  std::optional<model::CardUid> card_;       // lies on the reader now, ...
  bool lay_there_{false};                    // ... and nobody has laid it on
  bool keg_in_doubt_{false};                 // the last pour ended as one from an empty keg may
  std::chrono::milliseconds silent_for_{0};  // open since beer came, over all pours
  std::optional<model::CardUid> asking_;     // is being asked for, while `authorizing`
  std::optional<Sale> sale_;
  std::optional<Service> service_;
  std::optional<ServiceMenu> menu_;  // from its opening until what it began has settled
  NoiseWatch noise_;
  std::optional<model::SinceBoot> last_poured_;
  std::map<LockReason, std::string> locks_;  // with the words of who set it
  std::map<FaultKind, std::string> faults_;
  std::string reason_;
  StrayFlow stray_;
  bool nearly_out_shown_{false};
  Actions out_;
};

}  // namespace tapd
