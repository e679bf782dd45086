#include "bar.hpp"

#include <atomic>
#include <utility>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include "crowd.hpp"
#include "life.hpp"
#include "mischief.hpp"
#include "site.hpp"
#include "storage/database_file.hpp"
#include "storage/migrations.hpp"

namespace tapd::simulation {
namespace {

using namespace std::chrono_literals;

/// After the last fault: the longest interval of snapshots, the longest back-off, and air.
constexpr Time patience = 80min;
constexpr Time stop_grace = 8s;

class Bar {
 public:
  Bar(const Plan& plan, bool prints)
      : site_{plan, prints},
        chance_{plan.stream(8)},
        meets_{plan.stream(14)},
        mischief_{site_,
                  {.clear = [this](std::size_t tap) { clear(tap); },
                   .restart = [this] { restart(); },
                   .come = [this](std::size_t tap, Random& luck) { staff_come(tap, luck); },
                   .go = [this](std::size_t tap) { staff_go(tap); }}},
        crowd_{site_} {
    power_on();
    if (plan.has(Fault::power_cuts)) expect_end(true);
    if (plan.has(Fault::kills)) expect_end(false);
    site_.referee.on_pour = [this] { meet_a_pour(); };
    if (plan.has(Fault::restarts) || plan.has(Fault::upgrades)) expect_restart();
    if (plan.has(Fault::night_power)) expect_night();
    if (plan.has(Fault::spoilt_card)) expect_backup();
    keep_books();
  }

  Outcome run() {
    Outcome outcome;
    try {
      run_until(site_.plan.days * 24h);
      heal();
      run_until(site_.agenda.now() + patience);
      site_.trace.say("the last round");
      site_.referee.begins_last_round();
      crowd_.last_round();
      run_until(site_.agenda.now() + crowd_.last_round_lasts() + patience);
      if (!life_) throw Breach{"liveness", "tapd does not run"};
      site_.referee.at_the_end(life_->ledger(), life_->controller());
    } catch (const Breach& breach) {
      outcome.failure = Failure{breach.rule(), breach.what(), site_.agenda.now()};
      site_.trace.say("BREACH of {}: {}", breach.rule(), breach.what());
    } catch (const std::exception& error) {
      outcome.failure = Failure{"exception", error.what(), site_.agenda.now()};
    }
    static std::atomic<std::uint64_t> runs{0};
    if (site_.plan.planted == Planted::unsteady) site_.trace.count(++runs);
    outcome.hash = site_.trace.hash();
    outcome.simulated = site_.agenda.now();
    outcome.taps = site_.plan.taps;
    outcome.pours = site_.referee.pours();
    outcome.weighed = site_.referee.weighed();
    outcome.power_cuts = power_cuts_;
    outcome.kills = kills_;
    outcome.cut_off = site_.referee.cut_off();
    return outcome;
  }

 private:
  void run_until(Time until) {
    for (;;) {
      try {
        while (site_.agenda.step(until)) {
        }
        return;
      } catch (const ProcessEnds&) {
        end_process();
      }
    }
  }

  // --- starts ------------------------------------------------------------------------------------
  void power_on() {
    powered_ = true;
    const bool unset = site_.plan.has(Fault::clock_unset) && chance_.chance(70);
    site_.clock.boot(unset);
    mischief_.after_boot(unset);
    site_.trace.say("the board starts{}", unset ? " in 1970" : "");
    if (std::exchange(spoils_, false)) spoil_card();
    start();
  }

  void spoil_card() {
    try {
      auto found =
          site_.spoilt_card->spoil(site_.disk.card(), site_.clock.id(), site_.clock.read());
      if (!found) return;
      site_.trace.say("blocks of the card are gone: staff are told {} lines", found->lines);
      site_.disk.put(std::move(found->card));
      if (found->lines > 0) site_.referee.ledger_restored();
    } catch (const std::exception& error) {
      throw Breach{"restoring", error.what()};
    }
  }

  void start() {
    if (life_) return;
    try {
      if (std::exchange(older_ran_, false)) {
        run_older_version();
        meet_the_upgrade();
      }
      life_ = std::make_unique<Life>(site_);
      life_->start();
    } catch (const ProcessEnds&) {
      throw;
    } catch (const Breach&) {
      throw;
    } catch (const std::exception& error) {
      site_.trace.say("tapd does not start: {}", error.what());
      if (!site_.referee.disk_troubled) throw Breach{"start", error.what()};
      start_in(2s);
    }
  }

  /// What the version before this one leaves: its own schema, all rows as they were.
  void run_older_version() {
    site_.trace.say("an older tapd has been here");
    try {
      const auto uri = storage::sqlite_uri(crash::ledger_name, "psow=0");
      SQLite::Database ledger{uri, SQLite::OPEN_READWRITE | SQLite::OPEN_URI, 0, site_.disk.vfs()};
      ledger.exec(
          "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;"
          " PRAGMA temp_store = MEMORY");
      storage::migrate(ledger, storage::newest_schema() - 1, storage::migrations());
    } catch (const SQLite::Exception&) {
      if (site_.disk.process_ends()) throw ProcessEnds{};
      throw;
    }
  }

  /// The end may come while the schema is brought up to date.
  void meet_the_upgrade() {
    const bool cuts = site_.plan.has(Fault::power_cuts);
    if ((!cuts && !site_.plan.has(Fault::kills)) || healed_ || !meets_.chance(30)) return;
    with_power_ = cuts;
    away_for_ = 5s;
    site_.disk.end_process_in(meets_.below(60));
  }

  void start_in(Time delay) {
    const std::uint64_t number = ++starts_;
    site_.agenda.in(delay, [this, number] {
      if (number == starts_) start();
    });
  }
  void power_on_in(Time delay) {
    const std::uint64_t number = ++starts_;
    site_.agenda.in(delay, [this, number] {
      if (number == starts_) power_on();
    });
  }

  // --- ends --------------------------------------------------------------------------------------
  void expect_end(bool power) {
    const auto mean = power ? 14h : 9h;
    site_.agenda.in(std::chrono::seconds{chance_.between(1, 2 * mean / 1s)}, [this, power] {
      if (healed_) return;
      begin_to_end(power, Time{std::chrono::seconds{chance_.between(2, power ? 600 : 5)}});
      expect_end(power);
    });
  }

  /// A bar pours for a few minutes of a day: ends at random hardly ever meet a pour.
  void meet_a_pour() {
    const bool cuts = site_.plan.has(Fault::power_cuts);
    const bool kills = site_.plan.has(Fault::kills);
    if ((!cuts && !kills) || healed_ || !meets_.chance(3)) return;
    const bool power = cuts && (!kills || meets_.chance(50));
    const auto away = std::chrono::seconds{meets_.between(2, power ? 600 : 5)};
    site_.agenda.in(std::chrono::milliseconds{meets_.between(0, 8'000)}, [this, power, away] {
      if (!healed_) begin_to_end(power, away);
    });
  }

  /// At a disk operation soon, or now.
  void begin_to_end(bool power, Time away_for) {
    // Without power there is nothing to kill, and a start would be one that no board can have.
    if (!power && !powered_) return;
    with_power_ = power;
    away_for_ = away_for;
    if (chance_.chance(40)) return end_process();
    site_.trace.say("{} within a few disk operations", power ? "a power cut" : "a kill");
    site_.disk.end_process_in(chance_.below(40));
    const std::uint64_t number = ++ends_;
    site_.agenda.in(30s, [this, number] {
      if (number == ends_) end_process();
    });
  }

  void end_process() {
    ++ends_;
    site_.trace.say("{}", with_power_ ? "the power goes" : "tapd is killed");
    site_.disk.end_process_in(0);
    life_.reset();
    for (const auto& rig : site_.rigs) rig->let_go();
    site_.referee.process_gone(with_power_);
    if (with_power_) {
      ++power_cuts_;
      powered_ = false;
      site_.disk.after_power_cut();
      spoils_ = site_.spoilt_card && !healed_ && chance_.chance(20);
      power_on_in(away_for_);
    } else {
      ++kills_;
      site_.disk.after_kill();
      start_in(away_for_);
    }
  }

  void restart() {
    if (!life_) return;
    site_.trace.say("staff: tapd is restarted");
    life_->stop();
    wait_for_rest(site_.agenda.now() + stop_grace, site_.life);
  }

  void wait_for_rest(Time give_up, std::uint64_t number) {
    if (!life_ || site_.life != number) return;
    if (!life_->at_rest() && site_.agenda.now() < give_up) {
      site_.agenda.in(50ms, [this, give_up, number] { wait_for_rest(give_up, number); });
      return;
    }
    if (life_->at_rest()) site_.referee.at_rest();
    life_.reset();
    site_.referee.process_gone(false);
    start_in(1s);
  }

  void expect_restart() {
    site_.agenda.in(std::chrono::seconds{chance_.between(1, 2 * 20h / 1s)}, [this] {
      if (healed_) return;
      older_ran_ = site_.plan.has(Fault::upgrades) && life_ != nullptr;
      restart();
      expect_restart();
    });
  }

  /// The main switch, when the last guest has gone.
  void expect_night() {
    const auto day = std::chrono::floor<std::chrono::days>(site_.agenda.now());
    const Time off = day + 24h + opens_at + open_for - 24h + 10min;
    site_.agenda.at(off, [this] {
      if (healed_) return;
      begin_to_end(true, opens_at - (opens_at + open_for - 24h) - 20min);
      expect_night();
    });
  }

  void expect_backup() {
    site_.agenda.in(std::chrono::minutes{chance_.between(60, 40 * 60)}, [this] {
      if (life_ && life_->back_up(*site_.spoilt_card)) site_.trace.say("tapd: a backup is made");
      expect_backup();
    });
  }

  void keep_books() {
    site_.agenda.in(24h, [this] {
      if (life_) {
        life_->read_ledger(true);
        life_->keep_books();
      }
      keep_books();
    });
  }

  /// What a tap closed by itself is closed after a restart too: staff say it once tapd is there.
  void clear(std::size_t tap) {
    if (life_) return life_->clear(tap);
    if (!healed_) site_.agenda.in(60s, [this, tap] { clear(tap); });
  }

  void staff_come(std::size_t tap, Random& luck) {
    if (life_) life_->staff_come(tap, luck);
  }
  void staff_go(std::size_t tap) {
    if (life_) return life_->staff_go(tap);
    if (!healed_) site_.agenda.in(60s, [this, tap] { staff_go(tap); });
  }

  void heal() {
    healed_ = true;
    site_.trace.say("the faults end");
    crowd_.go_home();
    mischief_.heal();
    if (!life_) power_on_in(1s);
    for (const Time when : {20s, 60s}) {
      site_.agenda.in(when, [this] {
        for (std::size_t tap = 0; tap < site_.rigs.size(); ++tap) {
          if (life_) life_->clear(tap);
          if (life_) life_->staff_go(tap);
        }
      });
    }
    // A line that was gone, or that did not obey, heals with a new process only. Where there was
    // none, a process that hangs must not hide behind a restart in every run.
    const Plan& plan = site_.plan;
    const bool needs_it = plan.has(Fault::meter_gone) || plan.has(Fault::valve_deaf);
    if (needs_it || plan.stream(11).chance(50)) site_.agenda.in(90s, [this] { restart(); });
  }

  Site site_;
  Random chance_;
  Random meets_;
  Mischief mischief_;
  Crowd crowd_;
  std::unique_ptr<Life> life_;
  bool healed_{false};
  bool older_ran_{false};  ///< Since tapd was stopped.
  bool with_power_{false};
  bool powered_{false};
  bool spoils_{false};  ///< The card has lost blocks with the power.
  Time away_for_{1s};
  std::uint64_t ends_{0};
  std::uint64_t starts_{0};
  std::int64_t power_cuts_{0};
  std::int64_t kills_{0};
};

}  // namespace

Outcome run_bar(const Plan& plan, bool prints) {
  return Bar{plan, prints}.run();
}

}  // namespace tapd::simulation
