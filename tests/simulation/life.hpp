// One run of the daemon on the simulated board: the real controller, ledger, sync engine and
// presence logic, joined as daemon/app.cpp joins them, with agenda entries where the daemon has
// threads. A storage batch takes the disk's time; the control "thread" is free in between; sync
// waits for the storage as its thread does. Made for a start, destroyed for any end.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/controller.hpp"
#include "daemon/ledger_books.hpp"
#include "drivers/card_presence.hpp"
#include "site.hpp"
#include "sync/engine.hpp"

namespace tapd::simulation {

class Life {
 public:
  /// Opens the ledger and recovers, as a start does. Throws what the daemon throws when it cannot
  /// start (storage::OpenError, std::runtime_error), and ProcessEnds.
  explicit Life(Site& site);
  ~Life();
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  Life(Life&&) = delete;
  Life& operator=(Life&&) = delete;

  /// The control loop begins.
  void start();
  /// SIGTERM.
  void stop();
  [[nodiscard]] bool at_rest() const { return controller_->at_rest(); }
  /// `tapctl clear`.
  void clear(std::size_t tap);
  /// Staff do one thing at this tap by tapctl (life_staff.cpp), whoever pours there.
  void staff_come(std::size_t tap, Random& luck);
  /// They end what runs, and the tap is open again.
  void staff_go(std::size_t tap);
  /// Chores of the bookkeeping: forgets what was confirmed long ago, walks the chain.
  void keep_books();
  /// False: not now.
  bool back_up(SpoiltCard& beside);
  /// Whoever sleeps looks at this tap.
  void look(std::size_t tap);

  [[nodiscard]] const Controller& controller() const { return *controller_; }
  [[nodiscard]] const storage::Ledger& ledger() const { return *ledger_; }
  void read_ledger(bool all);

 private:
  class SayAll final : public Journal {
   public:
    explicit SayAll(Trace& trace) : trace_{trace} {}
    void write(const JournalLine& line) noexcept override;

   private:
    Trace& trace_;
  };
  /// A card reader with its thread.
  struct Reader {
    explicit Reader(Agenda& agenda, std::function<void()> ring) : alarm{agenda, std::move(ring)} {}
    Alarm alarm;
    drivers::CardPresence presence;
    Random luck{0};
    model::SinceBoot last_look{};
    int quiet_looks{0};
    bool sleeps{false};
  };

  [[nodiscard]] model::Moment now() const { return site_.clock.read(); }
  void put_down(Time when, std::function<void()> what);
  void in_control(std::function<void()> what);
  void tick();
  void rearm();
  void look_at(std::size_t tap);
  [[nodiscard]] model::SinceBoot last_look_of(std::size_t tap) const;

  void post(StorageRequest request);
  void begin_batch();
  void carry_out_batch();
  void end_batch();
  void forget(storage::Ledger& ledger);
  void on_ledger(const std::function<void(storage::Ledger&)>& work);

  void pump();
  void begin_request(const sync::Outgoing& outgoing);
  void tell_notices();

  void close(std::size_t tap, const std::string& why);
  void note_closing(std::size_t tap);
  void serve(std::size_t tap, Random& luck);
  void calibrate(std::size_t tap);

  [[nodiscard]] bool is_left_out(const StorageRequest& request) const;
  [[nodiscard]] static StorageAnswer done(const StorageRequest& request);
  [[nodiscard]] std::vector<StorageRequest> as_planted(std::vector<StorageRequest> batch) const;
  [[nodiscard]] StorageAnswer as_planted(StorageAnswer answer) const;
  [[nodiscard]] PolicyRules policy() const;

  [[nodiscard]] std::vector<TapSetup> set_up_taps();
  [[nodiscard]] ControllerPorts ports();

  Site& site_;
  std::uint64_t number_;
  SayAll journal_;
  Random random_;
  bool forgets_;
  std::unique_ptr<storage::Ledger> ledger_;
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<LedgerBooks> books_;
  std::unique_ptr<sync::Engine> engine_;

  Alarm control_alarm_;
  std::vector<std::unique_ptr<Alarm>> meter_alarms_;
  std::vector<std::unique_ptr<Reader>> readers_;

  std::vector<std::string> closings_;  ///< Why staff want each tap closed; empty: they do not.

  std::vector<StorageRequest> waiting_;
  std::vector<StorageRequest> batch_;
  std::vector<StorageAnswer> answers_;
  bool storage_busy_{false};

  Alarm sync_alarm_;
  std::deque<sync::Completion> completions_;
  std::deque<sync::AuthorizeAsk> asks_;
  std::map<model::TapId, std::uint64_t> newest_ask_;
  bool pours_waiting_{false};
  storage::ChainPosition walked_to_;
  std::size_t written_{0};  ///< Disk operations when the ledger was last read.
};

}  // namespace tapd::simulation
