// The referee: knows what must always be true, watches everything that crosses the daemon's edges
// (valve lines, requests to the ledger and their answers, the server's bookings), and reads the
// ledger itself. It keeps its own small account of each pour and trusts no figure of the daemon's.
// Whatever is wrong it throws as a Breach with the name of the rule.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "breach.hpp"
#include "daemon/controller.hpp"
#include "plan.hpp"
#include "storage/ledger.hpp"
#include "tap_rig.hpp"
#include "venue_model.hpp"

namespace tapd::simulation {

/// What the bar's rules allow, from the plan.
struct Bounds {
  std::chrono::milliseconds longest_open{};
  model::Money offline_guest;
  model::Money offline_controller;
  std::int64_t offline_pours{0};  ///< Of one guest.
  std::int64_t most_ml_per_s{100};
  std::optional<ServingLimit> serving{};  ///< Of what all taps sell.
};

class Referee {
 public:
  Referee(const Plan& plan, Bounds bounds, Agenda& agenda, VenueModel& venue,
          std::vector<std::unique_ptr<TapRig>>& rigs);

  /// Until when the control loop gets no time.
  Time board_busy_until{};
  /// A pour begins.
  std::function<void()> on_pour;
  /// The disk is failing.
  bool disk_troubled{false};

  // --- what crosses the edges --------------------------------------------------------------------
  void on_valve(std::size_t tap, bool open);
  void on_request(const StorageRequest& request);
  void on_answer(const StorageAnswer& answer);
  /// The storage begins to write, and will have taken so long.
  void on_batch(Time takes);
  void on_allow(const std::string& card, std::int64_t tap);
  void on_deny(const std::string& card, std::int64_t tap) { denied_[{card, tap}] = agenda_.now(); }
  /// tapd asks for a card; was told no, and nothing was asked since; cannot reach the server.
  void on_asked(model::TapId tap) { refused_.erase(tap); }
  void on_refused(const model::CardUid& card, model::TapId tap) {
    refused_.insert_or_assign(tap, card);
  }
  void on_unreachable() { refused_.clear(); }
  void on_in_use(const std::string& card, std::int64_t tap) const;
  void on_charge(const std::string& id, const Booking& booking);
  void on_stop_heard(bool on) { stop_heard_ = on; }
  /// Staff are about to open a valve, at most for so long and so much; or it was refused.
  void on_service(std::size_t tap, const ServiceBegun& what);
  void on_service_refused(std::size_t tap) { watches_[tap].asked_of_us.reset(); }
  /// Staff have closed a tap, or opened it; and whether a restart will find it closed.
  void on_closed(std::size_t tap, bool closed) { watches_[tap].closed = closed; }
  void on_closing_kept(std::size_t tap, bool kept) { watches_[tap].closing_kept = kept; }
  /// After each step of the controller.
  void after_step(const Controller& controller);
  /// tapd says that it is at rest: whatever was begun has its end.
  void at_rest() const;
  /// The process is gone. `power`: with the power.
  void process_gone(bool power);
  /// The ledger was damaged and is restored: what the server said of a pour may be forgotten, but
  /// no pour.
  void ledger_restored();
  /// The ledger has been opened again and has recovered.
  void started(const storage::Ledger& ledger);

  // --- looks into the ledger ---------------------------------------------------------------------
  /// The newest rows, or all.
  void read_ledger(const storage::Ledger& ledger, bool all);
  /// Confirmed rows may go from now on, until it is told how many went.
  void begins_to_forget() { forgetting_ = true; }
  void has_forgotten(const storage::Ledger& ledger, std::int64_t pours);
  /// Faults have stopped, and one guest comes to each tap.
  void begins_last_round() { last_round_ = agenda_.now(); }
  /// And there was time enough for everything.
  void at_the_end(const storage::Ledger& ledger, const Controller& controller);

  /// A tap's meter does not tell the truth for the moment: the current pour there is not weighed.
  void excuse_meter(std::size_t tap);
  /// Staff are about to connect another keg: if this one is dry, gas came out of it in the pour.
  void keg_goes(std::size_t tap);
  /// A pour of this card at this tap runs, or its row has not come to the server.
  [[nodiscard]] bool owes_a_row(const std::string& card, std::int64_t tap) const;
  void excuse_valve(std::size_t tap, Time until);

  [[nodiscard]] std::int64_t pours() const { return pours_; }
  [[nodiscard]] std::int64_t weighed() const { return weighed_; }
  /// Pours that the end of a process met in their middle.
  [[nodiscard]] std::int64_t cut_off() const { return cut_off_; }

 private:
  /// One pour from the leave to its row's end.
  struct Pour {
    std::size_t tap{0};
    model::PourBegin begin;
    Time since{};                  ///< When it was to be begun.
    bool begun{false};             ///< The open row is durable.
    bool ended{false};             ///< The end is durable.
    model::Volume posted{};        ///< The newest progress that was asked for,
    model::Volume acknowledged{};  ///< and that is durable.
    std::optional<model::PourEnd> end{};
    std::optional<Time> lifted_at{};              ///< The lift that let it begin.
    std::optional<std::int64_t> truth_at_open{};  ///< Microlitres.
    std::optional<std::int64_t> truth_at_shut{};
    std::optional<std::int64_t> truth_at_end{};
    std::int64_t after_shut{0};  ///< Of a pour that was cut off then: the tail so far.
    bool cut_off{false};         ///< The process went in the middle.
    bool power_cut{false};
    bool excused{false};
    bool disbelieved{false};  ///< Its meter's line was given up as noise, maybe after it was shut.
    Time slowest_commit{};
  };
  /// What staff do with an open valve.
  struct Service {
    ServiceBegun what;
    std::int64_t truth_at_open{0};
    bool excused{false};
  };
  struct TapWatch {
    std::optional<Time> open_since;
    std::optional<model::ClientTxId> pour;
    Time valve_excused_until{};
    std::uint64_t openings{0};
    std::optional<ServiceBegun> asked_of_us{};    ///< By tapctl.
    std::optional<ServiceBegun> chosen{};         ///< From the menu.
    std::optional<Service> service{};             ///< The valve is open for it.
    std::optional<Time> lifted_at{};              ///< The serving limits, for the next pour.
    std::optional<std::int64_t> passed_at_end{};  ///< What had passed when its last pour ended.
    std::int64_t services{0};                     ///< That the daemon has reported.
    bool closed{false};                           ///< By staff.
    bool closing_kept{false};
    bool was_dry{false};  ///< Its keg, and nobody has cleared the tap since.
  };
  /// A card that lies there no more is noticed after so long at the latest: no clean answer for
  /// 1,500 ms, a look of the reader, a step of the loop.
  static constexpr std::chrono::milliseconds longest_absence{2'200};

  /// The flow timeout, a step of the loop and the beat of its own watch.
  static constexpr std::chrono::milliseconds longest_silence{15'300};

  void check_leave(const model::PourBegin& begin);
  void on_begun(const BeginRowDone& begun);
  void on_note(const NoteAct& note) const;
  void on_noted(const ActNoted& noted);
  void take_lift(Pour& pour, const BeginRow& row);
  void check_serving(const Pour& pour) const;
  [[nodiscard]] std::int64_t served(const Pour& pour) const;
  void check_valve(std::size_t tap, const TapSession& session);
  void check_alarm(std::size_t tap, const TapSession& session);
  void watch_line(std::size_t tap);
  void check_line(std::size_t tap);
  void check_told(const model::Pour& row, const Booking& told) const;
  void check_silence(std::size_t tap, Time busy) const;
  void check_rest(std::size_t tap);
  [[nodiscard]] bool opens_for_staff(std::size_t tap);
  void check_service(std::size_t tap, Time open_for) const;
  void check_report(std::size_t tap, const Controller& controller);
  [[nodiscard]] std::int64_t meter_error(std::int64_t truth) const;
  void check_row(const model::Pour& row);
  void take_back(const model::ClientTxId& id);
  void note_forgotten(const std::vector<model::Pour>& left);
  static void check_begin(const Pour& pour, const model::Pour& row);
  void check_change(const model::Pour& before, const model::Pour& after);
  void check_volume(const Pour& pour, const model::Pour& row);
  [[nodiscard]] std::string exposure() const;
  void check_served() const;
  void check_sums() const;
  [[nodiscard]] bool waits_for_staff(const model::Pour& row) const;
  void check_fate(const model::Pour& row) const;
  [[nodiscard]] std::string what_is_too_much(const storage::Ledger& ledger);
  [[nodiscard]] std::int64_t left_of(const model::GuestId& guest) const;
  [[nodiscard]] std::int64_t overshoot_ml() const;
  /// By so many pours at once.
  [[nodiscard]] std::int64_t overdraft(std::size_t pours) const;
  [[nodiscard]] std::size_t most_at_once(const std::string& guest) const;

  const Plan& plan_;
  Bounds bounds_;
  Agenda& agenda_;
  VenueModel& venue_;
  std::vector<std::unique_ptr<TapRig>>& rigs_;
  std::vector<TapWatch> watches_;
  std::map<model::ClientTxId, Pour> book_;
  std::map<model::ClientTxId, model::Pour> rows_;       ///< As the ledger last had them.
  std::map<model::ClientTxId, model::Pour> forgotten_;  ///< What it no longer has.
  std::set<model::ClientTxId> noted_;       ///< By the server, for staff; and the daemon knows.
  std::set<model::ClientTxId> may_return_;  ///< Of these, with an old backup.
  bool restored_{false};
  bool forgetting_{false};
  std::set<model::ClientTxId> unconfirmed_;  ///< Of these, what the ledger still owes.
  std::map<std::pair<std::string, std::int64_t>, Time> allowed_;  ///< Card and tap: when.
  std::map<std::pair<std::string, std::int64_t>, Time> denied_;   ///< The same.
  std::map<model::TapId, model::CardUid> refused_;                ///< By its newest answer.
  /// Card and tap: what the ledger told of them last.
  std::map<std::pair<model::CardUid, model::TapId>, model::AuthorizationFacts> facts_;
  std::map<std::string, std::size_t> at_once_;  ///< By guest: the most pours at the same time.
  bool stop_heard_{false};
  struct Sum {
    std::int64_t recorded{0};
    std::int64_t truth{0};
  };
  std::map<std::string, Sum> sums_;  ///< Of the pours that were weighed, microlitres.
  std::optional<Time> last_round_;
  std::int64_t pours_{0};
  std::int64_t weighed_{0};
  std::int64_t cut_off_{0};
  std::size_t next_guest_{0};
};

}  // namespace tapd::simulation
