#include "mischief.hpp"

#include <sqlite3.h>

namespace tapd::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t for_the_last_round = 3'000;

}  // namespace

Mischief::Mischief(Site& site, StaffPorts staff)
    : site_{site}, staff_{std::move(staff)}, chance_{site.plan.stream(7)} {
  add_hardware();
  add_meters();
  add_board();
  add_venue();
  add_guests();
  // A trouble's luck goes by its number: what is added comes last, so that a seed stays what it
  // was.
  add_unreadable_disk();
  for (std::size_t number = 0; number < troubles_.size(); ++number) {
    luck_.push_back(site.plan.stream(400 + number));
    if (site.plan.has(troubles_[number].fault)) expect(number);
  }
  top_up();
  look_after_kegs();
  if (site.plan.planted == Planted::valve_opens_itself) {
    site.agenda.in(15h, [this] { static_cast<void>(rig(0).valve().open()); });
  }
  if (site.plan.planted == Planted::false_alarm) {
    site.agenda.in(15h, [this] { rig(0).physics().set_meter({.noise_per_s = 3'000}); });
  }
}

void Mischief::add(Trouble trouble) {
  troubles_.push_back(std::move(trouble));
}

void Mischief::expect(std::size_t number) {
  const auto mean = std::chrono::duration_cast<std::chrono::seconds>(troubles_[number].mean);
  const auto wait = std::chrono::seconds{luck_[number].between(1, 2 * mean.count())};
  site_.agenda.in(wait, [this, number] {
    if (!healed_) strike(number);
  });
}

void Mischief::strike(std::size_t number) {
  const Trouble& trouble = troubles_[number];
  Random& luck = luck_[number];
  const std::size_t tap = luck.below(site_.rigs.size());
  const auto lasts = std::chrono::milliseconds{
      luck.between(std::chrono::milliseconds{trouble.lasts.first}.count(),
                   std::chrono::milliseconds{trouble.lasts.second}.count())};
  site_.trace.say("fault: {} at tap {} for {} ms", to_text(trouble.fault), tap + 1, lasts.count());
  trouble.begin(tap, luck);
  site_.agenda.in(lasts, [this, number, tap] {
    if (healed_) return;
    site_.trace.say("fault: {} at tap {} has passed", to_text(troubles_[number].fault), tap + 1);
    troubles_[number].end(tap);
    expect(number);
  });
}

void Mischief::set_untrue(std::size_t tap, bool untrue) {
  rig(tap).ailments.meter_untrue = untrue;
  site_.referee.excuse_meter(tap);
  rig(tap).changed();
}

void Mischief::add_hardware() {
  const auto flag = [this](Fault fault, std::chrono::minutes mean, Span lasts,
                           bool Ailments::* which, bool then_restart) {
    add({fault, mean, lasts,
         [this, which](std::size_t tap, Random&) {
           rig(tap).ailments.*which = true;
           rig(tap).changed();
         },
         [this, which, then_restart](std::size_t tap) {
           rig(tap).ailments.*which = false;
           rig(tap).changed();
           if (then_restart) staff_.restart();
         }});
  };
  flag(Fault::reader_hang, 240min, {1s, 120s}, &Ailments::reader_hangs, false);
  flag(Fault::reader_silence, 120min, {1s, 20s}, &Ailments::reader_silent, false);
  add({Fault::reader_flicker,
       60min,
       {60s, 7'200s},
       [this](std::size_t tap, Random& luck) {
         rig(tap).ailments.flicker_percent = static_cast<std::uint64_t>(luck.between(3, 45));
       },
       [this](std::size_t tap) { rig(tap).ailments.flicker_percent = 0; }});
  add({Fault::valve_deaf,
       600min,
       {1s, 20s},
       [this](std::size_t tap, Random&) { rig(tap).ailments.valve_deaf = true; },
       [this](std::size_t tap) {
         rig(tap).ailments.valve_deaf = false;
         // It is told to shut again every second.
         site_.referee.excuse_valve(tap, site_.agenda.now() + 1'100ms);
         staff_.restart();
       }});
  const auto valve = [this](Fault fault, drivers::sim::ValveCondition condition) {
    add({fault,
         240min,
         {1s, 40s},
         [this, condition](std::size_t tap, Random&) {
           rig(tap).physics().set_valve(condition);
           rig(tap).changed();
         },
         [this](std::size_t tap) {
           rig(tap).physics().set_valve(drivers::sim::ValveCondition::ok);
           rig(tap).changed();
           site_.agenda.in(60s, [this, tap] { staff_.clear(tap); });
         }});
  };
  valve(Fault::valve_stuck_open, drivers::sim::ValveCondition::stuck_open);
  valve(Fault::valve_stuck_shut, drivers::sim::ValveCondition::stuck_shut);
}

void Mischief::add_meters() {
  const auto condition = [this](Fault fault, bool silent) {
    add({fault,
         180min,
         {1s, 40s},
         [this, silent](std::size_t tap, Random& luck) {
           const auto noise = static_cast<double>(luck.between(5, 3'000));
           rig(tap).physics().set_meter({.silent = silent, .noise_per_s = silent ? 0 : noise});
           set_untrue(tap, true);
         },
         [this](std::size_t tap) {
           rig(tap).physics().set_meter({});
           set_untrue(tap, false);
           site_.agenda.in(90s, [this, tap] { staff_.clear(tap); });
         }});
  };
  condition(Fault::meter_noise, false);
  condition(Fault::meter_silent, true);
  add({Fault::meter_gone,
       900min,
       {1s, 60s},
       [this](std::size_t tap, Random&) {
         rig(tap).ailments.meter_gone = true;
         set_untrue(tap, true);
       },
       [this](std::size_t tap) {
         rig(tap).ailments.meter_gone = false;
         set_untrue(tap, false);
         staff_.restart();
       }});
  add({Fault::foam,
       120min,
       {1s, 15s},
       [this](std::size_t tap, Random&) {
         rig(tap).physics().set_foam(true);
         set_untrue(tap, true);
       },
       [this](std::size_t tap) {
         rig(tap).physics().set_foam(false);
         set_untrue(tap, false);
         site_.agenda.in(60s, [this, tap] { staff_.clear(tap); });
       }});
  add({Fault::leak,
       300min,
       {5s, 300s},
       [this](std::size_t tap, Random& luck) {
         rig(tap).physics().set_leak(static_cast<double>(luck.between(1, 50)) / 10);
         set_untrue(tap, true);
       },
       [this](std::size_t tap) {
         rig(tap).physics().set_leak(0);
         set_untrue(tap, false);
         site_.agenda.in(60s, [this, tap] { staff_.clear(tap); });
       }});
}

void Mischief::add_board() {
  const auto nothing = [](std::size_t) {};
  add({Fault::busy_board,
       4min,
       {1s, 2s},
       [this](std::size_t, Random& luck) {
         site_.referee.board_busy_until =
             site_.agenda.now() + std::chrono::milliseconds{luck.between(30, 900)};
       },
       nothing});
  add({Fault::disk_slow,
       60min,
       {10s, 900s},
       [this](std::size_t, Random& luck) {
         site_.disk.slow_by = std::chrono::milliseconds{luck.chance(15) ? luck.between(3'000, 9'000)
                                                                        : luck.between(50, 2'000)};
       },
       [this](std::size_t) { site_.disk.slow_by = {}; }});
  const auto disk = [this](Fault fault, int code, bool persists, Span lasts) {
    add({fault, persists ? 600min : 60min, lasts,
         [this, code, persists](std::size_t, Random& luck) {
           site_.disk.fail(1 + luck.below(12), code, persists);
           site_.referee.disk_troubled = true;
         },
         [this](std::size_t) {
           site_.disk.heal();
           site_.referee.disk_troubled = false;
         }});
  };
  disk(Fault::disk_error, SQLITE_IOERR_WRITE, false, {60s, 600s});
  disk(Fault::disk_full, SQLITE_FULL, true, {5s, 3'600s});
  add({Fault::clock_jumps,
       300min,
       {1s, 7'200s},
       [this](std::size_t, Random& luck) {
         const bool far = luck.chance(20);
         const std::int64_t most = far ? 315'000'000 : 7'200;
         site_.clock.jump(std::chrono::seconds{luck.between(-most, most)});
       },
       [this](std::size_t) { site_.clock.set(); }});
}

void Mischief::add_unreadable_disk() {
  add({Fault::disk_unreadable,
       240min,
       {1s, 300s},
       [this](std::size_t, Random&) {
         site_.disk.fail_reads();
         site_.referee.disk_troubled = true;
       },
       [this](std::size_t) {
         site_.disk.heal();
         site_.referee.disk_troubled = false;
       }});
}

void Mischief::add_venue() {
  const auto outage = [this](Fault fault, std::chrono::minutes mean, Span lasts) {
    add({fault, mean, lasts,
         [this, fault](std::size_t, Random& luck) {
           constexpr std::array kinds{Outage::no_link, Outage::black_hole, Outage::unavailable,
                                      Outage::server_error, Outage::web_page};
           site_.network.outage =
               kinds.at(fault == Fault::net_down ? luck.below(2) : luck.below(kinds.size()));
         },
         [this](std::size_t) { site_.network.outage = Outage::none; }});
  };
  outage(Fault::net_down, 600min, {60s, 43'200s});
  outage(Fault::server_down, 480min, {10s, 1'800s});
  add({Fault::token_refused,
       1'440min,
       {30s, 3'600s},
       [this](std::size_t, Random&) { site_.venue.refuses_token = true; },
       [this](std::size_t) { site_.venue.refuses_token = false; }});
  add({Fault::emergency_stop,
       480min,
       {10s, 3'600s},
       [this](std::size_t, Random&) { site_.venue.set_emergency_stop(true); },
       [this](std::size_t) { site_.venue.set_emergency_stop(false); }});
  add({Fault::tap_locked,
       300min,
       {30s, 1'800s},
       [this](std::size_t tap, Random& luck) {
         site_.venue.set_tap(
             tap, luck.chance(50) ? model::TapStatus::locked : model::TapStatus::cleaning);
       },
       [this](std::size_t tap) { site_.venue.set_tap(tap, model::TapStatus::active); }});
  add({Fault::prices,
       480min,
       {1s, 2s},
       [this](std::size_t, Random& luck) { site_.venue.set_price(luck.between(250, 1'200)); },
       [](std::size_t) {}});
}

void Mischief::add_guests() {
  add({Fault::staff,
       90min,
       {5s, 900s},
       [this](std::size_t tap, Random& luck) { staff_.come(tap, luck); },
       [this](std::size_t tap) { staff_.go(tap); }});
  add({Fault::cards_pass,
       400min,
       {1s, 2s},
       [this](std::size_t, Random& luck) {
         const auto guests = static_cast<std::uint64_t>(site_.plan.guests);
         const std::size_t guest = luck.below(guests);
         site_.venue.exchange_cards(guest, (guest + 1 + luck.below(guests - 1)) % guests);
       },
       [](std::size_t) {}});
  add({Fault::lost_cards,
       240min,
       {600s, 43'200s},
       [this](std::size_t, Random& luck) {
         const auto guest = luck.below(static_cast<std::uint64_t>(site_.plan.guests));
         site_.venue.set_card(
             guest, luck.chance(60) ? model::CardStatus::lost : model::CardStatus::inactive);
       },
       [this](std::size_t) {
         for (std::size_t guest = 0; guest < site_.venue.accounts().size(); ++guest) {
           site_.venue.set_card(guest, model::CardStatus::active);
         }
       }});
  add({Fault::other_bar,
       60min,
       {1s, 2s},
       [this](std::size_t, Random& luck) {
         const auto guest = luck.below(static_cast<std::uint64_t>(site_.plan.guests));
         site_.venue.spend_elsewhere(guest, luck.between(1, 3'000));
       },
       [](std::size_t) {}});
}

/// Guests put money on their cards when little is left.
void Mischief::top_up() {
  if (healed_) return;
  for (std::size_t guest = 0; guest < site_.venue.accounts().size(); ++guest) {
    const std::int64_t balance = site_.venue.accounts()[guest].balance;
    if (balance < 400 && chance_.chance(30))
      site_.venue.top_up(guest, chance_.between(5, 50) * 100);
  }
  site_.agenda.in(std::chrono::seconds{chance_.between(600, 7'200)}, [this] { top_up(); });
}

/// Staff see an empty keg, and connect another one.
void Mischief::look_after_kegs() {
  if (healed_) return;
  for (std::size_t tap = 0; tap < site_.rigs.size(); ++tap) {
    if (rig(tap).truth().keg_ul > 500'000) continue;
    if (rig(tap).truth().keg_ul > 0 && !chance_.chance(20)) continue;
    const std::int64_t size =
        site_.plan.has(Fault::short_kegs) ? chance_.between(2'000, 9'000) : 50'000;
    site_.trace.say("staff: a new keg at tap {}", tap + 1);
    site_.referee.keg_goes(tap);
    rig(tap).physics().connect_keg(static_cast<double>(size));
    rig(tap).changed();
    site_.venue.connect_keg(tap, size);
    staff_.clear(tap);
  }
  site_.agenda.in(std::chrono::seconds{chance_.between(60, 900)}, [this] { look_after_kegs(); });
}

void Mischief::after_boot(bool clock_unset) {
  if (!clock_unset) return;
  site_.agenda.in(std::chrono::seconds{chance_.between(5, 7'200)}, [this] { site_.clock.set(); });
}

void Mischief::heal() {
  healed_ = true;
  site_.clock.set();
  site_.disk.slow_by = {};
  site_.disk.heal();
  site_.network.heal();
  site_.venue.refuses_token = false;
  site_.venue.set_emergency_stop(false);
  // When tapd surely runs again: then it is known which rows are still to come.
  site_.agenda.in(30s, [this] {
    site_.venue.end_locks([this](const std::string& card, std::int64_t tap) {
      return site_.referee.owes_a_row(card, tap);
    });
  });
  for (std::size_t guest = 0; guest < site_.venue.accounts().size(); ++guest) {
    site_.venue.set_card(guest, model::CardStatus::active);
    const std::int64_t balance = site_.venue.accounts()[guest].balance;
    if (balance < for_the_last_round) site_.venue.top_up(guest, for_the_last_round - balance);
  }
  site_.referee.disk_troubled = false;
  site_.referee.board_busy_until = {};
  for (std::size_t tap = 0; tap < site_.rigs.size(); ++tap) {
    rig(tap).ailments = {};
    auto& physics = rig(tap).physics();
    physics.set_valve(drivers::sim::ValveCondition::ok);
    physics.set_meter({});
    physics.set_foam(false);
    physics.set_leak(0);
    physics.connect_keg(50'000);
    site_.venue.connect_keg(tap, 50'000);
    site_.venue.set_tap(tap, model::TapStatus::active);
    rig(tap).changed();
  }
}

}  // namespace tapd::simulation
