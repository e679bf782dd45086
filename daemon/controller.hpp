// The controller joins the tap sessions to the world: it turns what readers, meters, ledger and
// server report into events, and carries the sessions' actions out. It holds no thread, no
// descriptor and no clock, so the daemon's loop and a simulation drive the same code. Everything it
// calls returns at once: while a valve is open nothing here waits.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/meter_verdict.hpp"
#include "daemon/core/tap_session.hpp"
#include "daemon/core/write_pace.hpp"
#include "daemon/journal.hpp"
#include "daemon/journal_lines.hpp"
#include "daemon/storage_requests.hpp"
#include "daemon/tap_outputs.hpp"
#include "drivers/card_presence.hpp"
#include "drivers/flow_meter.hpp"
#include "sync/engine.hpp"

#include <tl/expected.hpp>

namespace tapd {

/// One tap and its hardware. The controller does not own the drivers.
struct TapSetup {
  model::TapId id;
  SessionRules rules;
  Calibration calibration;
  std::optional<Calibration> configured{};  ///< Where staff may have measured another since.
  std::optional<std::chrono::microseconds> known_close_time;
  std::optional<model::LitrePrice> own_price;  ///< Used when the server does not tell one.
  drivers::FlowMeter* meter{nullptr};
  drivers::Valve* valve{nullptr};
  drivers::Indicator* indicator{nullptr};
  drivers::KeepAlive* keep_alive{nullptr};
  std::string unsafe{};            ///< Why the tap must not sell on this machine; empty: it may.
  std::string locked_by_staff{};   ///< Why staff have closed it; empty: they have not.
  std::string closed_by_itself{};  ///< What it closed itself before this start; own_closings.hpp.
  /// When the reader's thread last finished a look; see `watch_reader_of`. Empty: not watched.
  std::function<model::SinceBoot()> last_look;
};

/// How a card is authorized.
enum class AuthorizeMode : std::uint8_t { online_first, cached };

struct ControllerOptions {
  AuthorizeMode authorize{AuthorizeMode::online_first};
  PolicyRules policy;
  model::BootId boot;
  std::chrono::milliseconds storage_stall{5'000};  ///< A progress unanswered for so long: stop.
  std::chrono::milliseconds slow_write{1'500};     ///< A write that takes so long: no new pour, ...
  std::chrono::milliseconds slow_for{5'000};       ///< ... until so long after it.
  std::chrono::milliseconds end_retry{1'000};      ///< An end or event that failed comes again.
  std::chrono::milliseconds reader_stall{2'000};   ///< No look for so long: the card is not seen.
  std::chrono::milliseconds clock_retry{60'000};   ///< A note of the clock that failed is repeated.
};

/// What the controller needs of the rest of the program. All of it returns at once.
struct ControllerPorts {
  std::function<void(StorageRequest)> storage;
  std::function<void(sync::AuthorizeAsk)> ask_server;
  std::function<void()> pours_waiting;
  std::function<std::array<std::uint8_t, 16>()> random_id;
  Journal* journal{nullptr};
};

class Controller {
 public:
  Controller(ControllerOptions options, std::vector<TapSetup> taps, ControllerPorts ports);

  /// The ledger is open and has recovered: taps may sell.
  void start(const model::Moment& now);
  void on_presence(std::size_t tap, const drivers::PresenceEvent& event, const model::Moment& now);
  /// The meter's descriptor is readable (or it is time to look).
  void on_meter(std::size_t tap, const model::Moment& now);
  void on_storage(const StorageAnswer& answer, const model::Moment& now);
  void on_sync(const sync::Notice& notice, const model::Moment& now);
  void on_tick(const model::Moment& now);
  /// When `on_tick` is due without any other input.
  [[nodiscard]] std::optional<model::SinceBoot> wake_at() const;

  /// Somebody has looked after a tap: what only people can see healed is taken as healed, and lines
  /// that were lost are taken anew. The error says what is still out of order.
  [[nodiscard]] tl::expected<void, std::string> clear(model::TapId tap, const model::Moment& now);
  /// Opens a tap's valve for staff, see `ServiceBegun`; bounded by the tap's longest open time as
  /// well. The error says why not. What was done is told by `last_service`.
  [[nodiscard]] tl::expected<void, std::string> begin_service(model::TapId tap,
                                                              const ServiceBegun& what,
                                                              const model::Moment& now);
  /// Why that would be refused now, or not last for so long; empty: it would not.
  [[nodiscard]] std::string service_barred(model::TapId tap,
                                           std::chrono::milliseconds longest) const;
  bool end_service(model::TapId tap, const model::Moment& now);
  /// Staff close a tap, or open it again. False: there is no such tap.
  bool lock(model::TapId tap, const std::string& why, const model::Moment& now);
  bool unlock(model::TapId tap, const model::Moment& now);
  /// Why staff have closed it; empty: they have not.
  [[nodiscard]] std::string closed_by_staff(model::TapId tap) const;
  /// How often staff have closed it in this run: who opens it may mean an older lock. Null: no such
  /// tap.
  [[nodiscard]] std::optional<std::uint64_t> times_locked(model::TapId tap) const;
  /// Why not now; empty: it can be done.
  [[nodiscard]] std::string recalibration_barred(model::TapId tap) const;
  /// From the next pour on. The error says why not now.
  [[nodiscard]] tl::expected<void, std::string> recalibrate(model::TapId tap,
                                                            const Calibration& calibration);

  [[nodiscard]] bool has(model::TapId tap) const { return find(tap) != nullptr; }
  /// As the configuration has it; nullopt: there is no such tap.
  [[nodiscard]] std::optional<Calibration> configured(model::TapId tap) const;
  [[nodiscard]] std::optional<Calibration> in_force(model::TapId tap) const;

  /// What staff did last at a tap, and how often they did something.
  struct ServiceReport {
    ServiceDone done;
    std::int64_t number{0};
  };
  [[nodiscard]] const ServiceReport& last_service(std::size_t tap) const {
    return taps_.at(tap).service;
  }

  /// Everything that has come over a tap's meter line since the start, for whoever looks twice.
  [[nodiscard]] const MeterCounts& meter_counts(std::size_t tap) const {
    return taps_.at(tap).counts;
  }
  [[nodiscard]] const SessionRules& rules(std::size_t tap) const {
    return taps_.at(tap).setup.rules;
  }

  /// Shuts every valve, ends every pour and sells no more.
  void shut_down(const model::Moment& now);
  /// Shuts every valve and does nothing else: for an end that is none. The next start finishes what
  /// was open.
  void shut_every_valve(const model::Moment& now) noexcept;
  /// No valve is open and every pour's end is durable.
  [[nodiscard]] bool at_rest() const;

  /// How to learn when a tap's reader last looked. Before the loop runs.
  void watch_reader_of(std::size_t tap, std::function<model::SinceBoot()> last_look) {
    taps_.at(tap).setup.last_look = std::move(last_look);
  }

  /// To be polled for a tap's meter; -1: there is nothing to poll now. It changes when a meter is
  /// put to rest and listens again.
  [[nodiscard]] int meter_descriptor(std::size_t tap) const {
    return taps_.at(tap).setup.meter->descriptor();
  }
  [[nodiscard]] std::size_t tap_count() const { return taps_.size(); }
  [[nodiscard]] const TapSession& session(std::size_t tap) const { return taps_[tap].session; }
  [[nodiscard]] bool server_reachable() const { return server_reachable_; }
  /// In force: what the server said last; the ledger's word until it has said something.
  [[nodiscard]] bool emergency_stop() const { return server_stop_.value_or(world_.emergency_stop); }

 private:
  struct TapSlot {
    TapSlot(TapSetup with, TapSession starting)
        : setup{std::move(with)},
          outputs{
              {.valve = setup.valve, .keep_alive = setup.keep_alive, .indicator = setup.indicator},
              setup.rules.longest_open},
          session{std::move(starting)} {}
    TapSetup setup;
    TapOutputs outputs;
    TapSession session;
    std::uint64_t times_locked{0};  ///< By staff.
    std::uint64_t ticket{0};        ///< Of the authorization under way; older answers are ignored.
    std::uint64_t staff_ticket{0};  ///< Of the look whether a card is staff's, ...
    model::CardUid staff_card;      ///< ... namely this one.
    std::optional<sync::Allowed> allowed;  ///< The server's yes, while the facts are read.
    std::optional<model::SinceBoot> progress_posted;  ///< Unanswered progress write.
    std::optional<EndRow> unwritten_end;              ///< Posted, not yet durable.
    std::optional<model::SinceBoot> retry_end_at;
    model::CardUid card;                         ///< Of the session, for the journal.
    std::optional<model::CardUid> service_card;  ///< Has lifted the serving limits here, ...
    model::SinceBoot lift_ends{};                ///< ... for a pour asked for before this.
    std::optional<model::CardUid> lifted_by;     ///< For the pour whose row is being begun.
    std::uint64_t guest_ticket{0};  ///< Of the look whether the guest that pours still may.
    std::string beverage;
    std::string guest;
    std::int64_t flow_events{0};
    std::string running_event;                         ///< Id of the leak or work that began last.
    std::optional<model::KegId> keg;                   ///< As the venue last told.
    std::string kept_closings;                         ///< What the ledger was last asked to keep.
    std::optional<model::SinceBoot> keep_closings_at;  ///< It failed: again then.
    bool reader_stalled{false};
    bool reader_failed{false};  ///< As it told itself.
    std::optional<model::SinceBoot> newest_edge;
    std::optional<std::chrono::nanoseconds> shut_after;
    ServiceReport service;
    MeterCounts counts;
  };

  void deliver(TapSlot& tap, const Event& event, const model::Moment& now);
  void carry_out(TapSlot& tap, const Actions& actions, const model::Moment& now);
  bool command_valve(TapSlot& tap, bool open, const model::Moment& now);
  void ask_authorization(TapSlot& tap, const model::CardUid& card);
  void read_staff_facts(TapSlot& tap, const model::CardUid& card);
  void decide_staff(TapSlot& tap, const FactsRead& facts, const model::Moment& now);
  void ask_guest(TapSlot& tap, const model::CardUid& card);
  void note_act(TapSlot& tap, const RunAct& run, const model::Moment& now);
  void on_act_noted(const ActNoted& noted, const model::Moment& now);
  [[nodiscard]] bool lifted(const TapSlot& tap, const model::Moment& now) const;
  void begin_row(TapSlot& tap, const model::PourBegin& begin, const model::Moment& now);
  void look_at_guests();
  void refuse_late(TapSlot& tap, const model::AuthorizationFacts& facts, const model::Moment& now);
  void read_facts(TapSlot& tap, const model::CardUid& card);
  void decide(TapSlot& tap, const FactsRead& facts, const model::Moment& now);
  void post_write(StorageRequest write, const model::Moment& now);
  void post_progress(TapSlot& tap, const model::PourProgress& progress, const model::Moment& now);
  void end_row(TapSlot& tap, const EndPour& end, const model::Moment& now);
  void on_begin_row(const BeginRowDone& done, const model::Moment& now);
  void on_end_row(const EndRowDone& done, const model::Moment& now);
  void on_authorized(const sync::AuthorizeAnswered& answer, const model::Moment& now);
  void on_world(const World& world, const model::Moment& now);
  void watch_reader(TapSlot& tap, const model::Moment& now);
  [[nodiscard]] tl::expected<void, std::string> retake_lines(TapSlot& tap,
                                                             const model::Moment& now);
  void drive_on(TapSlot& tap, const model::Moment& now);
  void watch_clock(const model::Moment& now);
  void on_clock_noted(const ClockNoted& noted, const model::Moment& now);
  [[nodiscard]] std::string event_id(TapSlot& tap, EventStage stage,
                                     const model::Moment& now) const;
  void report_flow(TapSlot& tap, const ReportFlow& flow, const model::Moment& now);
  void on_flow_event(const FlowEventDone& done, const model::Moment& now);
  void write_events_again(const model::Moment& now);
  void listen_to_meter(TapSlot& tap, bool on, const model::Moment& now);
  void notice_new_keg(TapSlot& tap, const std::optional<model::KegId>& keg,
                      const model::Moment& now);
  void close_as_before(TapSlot& tap, const model::Moment& now);
  void keep_closings(TapSlot& tap);
  void keep_closings_again(TapSlot& tap, const model::Moment& now);
  void on_closings_kept(const ClosingsKept& kept, const model::Moment& now);
  void say(const TapSlot& tap, const Say& say);
  [[nodiscard]] static TapContext context(const TapSlot& tap);
  [[nodiscard]] static JournalFields fields_of(const TapSlot& tap);
  [[nodiscard]] TapSlot* find(model::TapId id);
  [[nodiscard]] const TapSlot* find(model::TapId id) const;
  void report_service(TapSlot& tap, const ServiceDone& done);

  ControllerOptions options_;
  ControllerPorts ports_;
  std::vector<TapSlot> taps_;
  WritePace pace_;
  std::uint64_t last_ticket_{0};
  model::SinceBoot last_tick_{};
  bool server_reachable_{false};
  World world_;
  std::optional<bool> server_stop_;                 // as the server last told it in this run
  std::vector<model::FlowEvent> unwritten_events_;  // the newest word of each, in their order
  std::optional<model::SinceBoot> retry_events_at_;
  // When the ledger is told that the wall clock is right; empty while it is told and afterwards.
  std::optional<model::SinceBoot> note_clock_at_{model::SinceBoot{}};
};

}  // namespace tapd
