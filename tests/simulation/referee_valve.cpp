// The referee's part that watches the valves' lines: who may open one, and when it must be shut. It
// looks at each step of the controller and, while a line is open, at moments of its own: a wake-up
// that never comes is late, too.
#include <algorithm>

#include "referee.hpp"

namespace tapd::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Time look_every = 200ms;

/// With one of these a tap may be out of order, and rightly.
constexpr std::array troubles_of_taps{Fault::reader_hang,
                                      Fault::reader_silence,
                                      Fault::meter_drift,
                                      Fault::meter_bounce,
                                      Fault::meter_lost_edges,
                                      Fault::meter_noise,
                                      Fault::meter_silent,
                                      Fault::meter_gone,
                                      Fault::foam,
                                      Fault::leak,
                                      Fault::valve_slow,
                                      Fault::valve_stuck_open,
                                      Fault::valve_stuck_shut,
                                      Fault::valve_deaf};

/// With one of these beer runs from a tap that is shut.
constexpr std::array leaks{Fault::leak, Fault::valve_stuck_open, Fault::valve_deaf};

}  // namespace

void Referee::on_valve(std::size_t tap, bool open) {
  TapWatch& watch = watches_[tap];
  const std::int64_t truth = rigs_[tap]->truth().passed_ul;
  if (open) {
    watch.open_since = agenda_.now();
    ++watch.openings;
    watch_line(tap);
    if (opens_for_staff(tap)) return;
    if (!watch.pour) throw Breach{"leave", fmt::format("valve {} opens without a pour", tap + 1)};
    Pour& pour = book_.at(*watch.pour);
    if (!pour.begun) {
      throw Breach{"leave", fmt::format("valve {} opens before {} is on the disk", tap + 1,
                                        pour.begin.client_tx_id.text())};
    }
    pour.truth_at_open = truth;
    check_rest(tap);
    pour.excused = rigs_[tap]->ailments.meter_untrue;
    return;
  }
  watch.open_since.reset();
  if (watch.pour) book_.at(*watch.pour).truth_at_shut = truth;
}

/// What runs after a pour's end is nobody's: some drops.
void Referee::check_rest(std::size_t tap) {
  constexpr std::int64_t drops_ul = 1'500;
  const auto before = std::exchange(watches_[tap].passed_at_end, {});
  if (!before || plan_.has_any(leaks)) return;
  const std::int64_t ran = rigs_[tap]->truth().passed_ul - *before;
  if (ran <= drops_ul) return;
  throw Breach{"unbilled", fmt::format("{} ul ran at tap {} after its last pour", ran, tap + 1)};
}

void Referee::on_service(std::size_t tap, const ServiceBegun& what) {
  watches_[tap].asked_of_us = what;
}

bool Referee::opens_for_staff(std::size_t tap) {
  TapWatch& watch = watches_[tap];
  if (watch.pour || watch.service) return false;
  auto& cause = watch.asked_of_us ? watch.asked_of_us : watch.chosen;
  const auto what = std::exchange(cause, std::nullopt);
  if (!what) return false;
  watch.passed_at_end.reset();
  watch.service = Service{.what = *what,
                          .truth_at_open = rigs_[tap]->truth().passed_ul,
                          .excused = rigs_[tap]->ailments.meter_untrue};
  return true;
}

void Referee::watch_line(std::size_t tap) {
  agenda_.in(look_every, [this, tap, opening = watches_[tap].openings] {
    if (!rigs_[tap]->valve_line_open() || watches_[tap].openings != opening) return;
    check_line(tap);
    watch_line(tap);
  });
}

/// What an open line must never be, whatever the controller takes it for.
void Referee::check_line(std::size_t tap) {
  const TapWatch& watch = watches_[tap];
  if (rigs_[tap]->ailments.valve_deaf || agenda_.now() < watch.valve_excused_until) return;
  if (stop_heard_) {
    throw Breach{"stop", fmt::format("valve {} is open after the emergency stop", tap + 1)};
  }
  // While the loop gets no time, the second layer shuts it a little later.
  const Time busy = std::max(board_busy_until - agenda_.now() + 1s, Time{0});
  const Time grace = plan_.has(Fault::busy_board) ? Time{TapOutputs::grace} + busy : Time{0};
  const Time open_for = agenda_.now() - *watch.open_since;
  if (open_for > bounds_.longest_open + grace + 5ms) {
    throw Breach{"cap", fmt::format("valve {} has been open for {} ms", tap + 1, open_for / 1ms)};
  }
  if (!watch.pour) return check_service(tap, open_for - grace);
  if (watch.closed) {
    throw Breach{"closed", fmt::format("valve {} is open and staff have closed it", tap + 1)};
  }
  check_silence(tap, busy);
  if (plan_.tap_to_start) return;
  const auto seen = rigs_[tap]->last_there(book_.at(*watch.pour).begin.card_uid.bytes());
  const Time absent = agenda_.now() - seen.value_or(Time::min() / 2);
  if (absent <= longest_absence + busy) return;
  throw Breach{"card",
               fmt::format("valve {} is open {} ms after the card left", tap + 1, absent / 1ms)};
}

/// Nothing that the meter told runs: nobody pulls, the keg is empty, or the meter has failed.
void Referee::check_silence(std::size_t tap, Time busy) const {
  const Time since = std::max(*watches_[tap].open_since, rigs_[tap]->last_pulse());
  const Time silent = agenda_.now() - since;
  if (silent <= longest_silence + busy) return;
  throw Breach{"silence", fmt::format("valve {} is open and its meter silent for {} ms", tap + 1,
                                      silent / 1ms)};
}

void Referee::check_service(std::size_t tap, Time open_for) const {
  const Service& service = watches_[tap].service.value();
  if (open_for > service.what.longest + 5ms) {
    throw Breach{"service", fmt::format("valve {} is open for staff since {} ms, not {}", tap + 1,
                                        open_for / 1ms, service.what.longest / 1ms)};
  }
  const std::int64_t ran = rigs_[tap]->truth().passed_ul - service.truth_at_open;
  const std::int64_t most = service.what.most.in_microlitres();
  if (service.excused || rigs_[tap]->truth().keg_ul < 1'000) return;
  if (ran <= most + overshoot_ml() * 1'000 + meter_error(ran)) return;
  throw Breach{"service", fmt::format("{} ul ran for staff at tap {}, not {}", ran, tap + 1, most)};
}

/// What the daemon says that ran for staff.
void Referee::check_report(std::size_t tap, const Controller& controller) {
  TapWatch& watch = watches_[tap];
  const Controller::ServiceReport& report = controller.last_service(tap);
  if (report.number == watch.services) return;
  watch.services = report.number;
  const auto service = std::exchange(watch.service, {});
  if (!service) {
    throw Breach{"service", fmt::format("tap {} tells of work that nobody did", tap + 1)};
  }
  if (service->excused || rigs_[tap]->truth().keg_ul < 1'000) return;
  const std::int64_t ran = rigs_[tap]->truth().passed_ul - service->truth_at_open;
  const std::int64_t told = report.done.volume.in_microlitres();
  if (std::abs(told - ran) <= meter_error(ran)) return;
  throw Breach{"service",
               fmt::format("{} ul ran for staff at tap {}, told are {}", ran, tap + 1, told)};
}

void Referee::check_valve(std::size_t tap, const TapSession& session) {
  const TapWatch& watch = watches_[tap];
  const bool open = rigs_[tap]->valve_line_open();
  if (open) check_line(tap);
  if (open == session.valve_open()) return;
  if (rigs_[tap]->ailments.valve_deaf || agenda_.now() < watch.valve_excused_until) return;
  throw Breach{"leave", fmt::format("valve {} is {} in state {}", tap + 1, open ? "open" : "shut",
                                    to_text(session.state()))};
}

/// Where nothing is wrong with a tap, none is out of order.
void Referee::check_alarm(std::size_t tap, const TapSession& session) {
  TapWatch& watch = watches_[tap];
  const bool alarmed = session.state() == TapState::faulted;
  if (rigs_[tap]->truth().keg_ul < 1'000)
    watch.was_dry = true;
  else if (!alarmed)
    watch.was_dry = false;
  if (!alarmed || watch.was_dry || plan_.has_any(troubles_of_taps)) return;
  throw Breach{"alarm", fmt::format("tap {} is out of order: {}", tap + 1, session.view().reason)};
}

}  // namespace tapd::simulation
