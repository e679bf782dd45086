#include "tap_rig.hpp"

#include <algorithm>

namespace tapd::simulation {
namespace {

using namespace std::chrono_literals;

/// Edges that the kernel keeps; older ones are dropped for newer. In some bars so few that a board
/// that is busy for a moment loses some.
constexpr std::array<std::size_t, 3> kernel_buffers{1'024, 1'024, 128};
constexpr std::size_t remembered_cards = 8;

drivers::sim::SimTapPlan tap_plan(const Plan& plan, std::size_t place) {
  Random random = plan.stream(100 + place);
  drivers::sim::SimTapPlan tap;
  tap.number = static_cast<std::int64_t>(place) + 1;
  tap.most_ml_per_s = 100;
  tap.pulls_with_card = false;
  tap.keg_ml = plan.has(Fault::short_kegs) ? random.between(2'000, 9'000) : 50'000;
  tap.meter.milli_pulses_per_litre = plan.milli_pulses_per_litre;
  const std::int64_t drift = random.between(-20, 20);
  if (plan.has(Fault::meter_drift)) {
    tap.meter.milli_pulses_per_litre += plan.milli_pulses_per_litre / 1'000 * drift;
  }
  if (plan.has(Fault::meter_bounce)) tap.meter.bounce_rate = 0.3;
  if (plan.has(Fault::meter_lost_edges)) tap.meter.lost_edge_rate = 0.005;
  if (plan.has(Fault::valve_slow)) {
    tap.valve.opens_after = std::chrono::milliseconds{random.between(30, 150)};
    tap.valve.shuts_after = std::chrono::milliseconds{random.between(50, 250)};
  }
  return tap;
}

}  // namespace

TapRig::TapRig(const Plan& plan, std::size_t place, Agenda& agenda)
    : agenda_{agenda},
      planted_{plan.planted},
      tap_{tap_plan(plan, place)},
      physics_{tap_, plan.stream(200 + place).next(), agenda.now(), drivers::sim::unused(tap_)},
      kernel_buffer_{kernel_buffers.at(plan.stream(17).below(kernel_buffers.size()))},
      filter_{tap_.shortest_interval} {}

void TapRig::lay(std::vector<drivers::Uid> cards) {
  for (const drivers::Uid& card : cards_) taken_away_.emplace_back(card, agenda_.now());
  if (taken_away_.size() > remembered_cards) {
    taken_away_.erase(taken_away_.begin(),
                      taken_away_.end() - static_cast<std::ptrdiff_t>(remembered_cards));
  }
  cards_ = std::move(cards);
  changed();
}

std::optional<Time> TapRig::last_there(std::span<const std::uint8_t> uid) const {
  const auto is_it = [&](const drivers::Uid& card) {
    return std::equal(uid.begin(), uid.end(), card.bytes.begin(), card.bytes.begin() + card.size);
  };
  if (std::any_of(cards_.begin(), cards_.end(), is_it)) return agenda_.now();
  const auto found = std::find_if(taken_away_.rbegin(), taken_away_.rend(),
                                  [&](const auto& entry) { return is_it(entry.first); });
  return found == taken_away_.rend() ? std::nullopt : std::optional{found->second};
}

drivers::sim::SimTap& TapRig::physics() {
  take_edges();
  return physics_;
}

void TapRig::changed() {
  if (on_change) on_change();
}

/// Brings the physics up to now; what nobody listens to is gone.
void TapRig::take_edges() {
  physics_.advance_to(agenda_.now(), edges_);
  if (!edges_.empty()) newest_number_ = edges_.back().line_seqno;
  if (!listening_) edges_.clear();
  if (edges_.size() > kernel_buffer_) {
    edges_.erase(edges_.begin(), edges_.end() - static_cast<std::ptrdiff_t>(kernel_buffer_));
  }
}

void TapRig::connect(Time booted_at_world, model::SinceBoot booted_at) {
  world_base_ = booted_at_world;
  boot_base_ = booted_at;
  listening_ = false;
  static_cast<void>(meter_.listen(true));
  // A driver shuts its valve when it is made.
  static_cast<void>(drive(false));
}

void TapRig::let_go() {
  take_edges();
  listening_ = false;
  edges_.clear();
  set_line(false);
}

drivers::Look TapRig::look(Random& luck) const {
  if (ailments.reader_hangs) return drivers::ReaderTrouble{"the simulated reader hangs"};
  if (planted_ == Planted::reader_sees_ghosts && cards_.empty() && !taken_away_.empty()) {
    return drivers::CardSeen{taken_away_.back().first};
  }
  if (cards_.empty()) return drivers::NobodyThere{};
  if (luck.chance(ailments.flicker_percent)) {
    if (luck.chance(60)) return drivers::NobodyThere{};
    return drivers::Garbled{"CRC of the SAK"};
  }
  if (cards_.size() > 1) return drivers::SeveralCards{};
  return drivers::CardSeen{cards_.front()};
}

std::optional<Time> TapRig::meter_wakes(Time grain) {
  if (!listening_) return std::nullopt;
  if (!edges_.empty()) return std::max(edges_.front().stamp, read_at_ + grain);
  const auto next = physics_.next_edge();
  if (!next) return std::nullopt;
  return std::max(*next, read_at_ + grain);
}

tl::expected<void, std::string> TapRig::drive(bool open) {
  if (ailments.valve_deaf && open != line_open_) {
    return tl::unexpected{std::string{"the simulated valve's line does not obey"}};
  }
  if (!open && planted_ == Planted::valve_ignores_shut) return {};
  set_line(open);
  return {};
}

void TapRig::set_line(bool open) {
  if (open == line_open_) return;
  line_open_ = open;
  physics().command_valve(open);
  if (on_valve) on_valve(open);
}

drivers::MeterReading TapRig::Meter::read(drivers::SinceBoot now) {
  TapRig& rig = rig_;
  rig.take_edges();
  rig.read_at_ = rig.agenda_.now();
  for (drivers::Edge edge : rig.edges_) {
    edge.stamp = edge.stamp - rig.world_base_ + rig.boot_base_;
    edge.line_seqno -= rig.number_base_;
    rig.filter_.take(edge);
  }
  rig.edges_.clear();
  drivers::MeterReading reading = rig.filter_.drain(now);
  if (rig.planted_ == Planted::meter_counts_double) reading.edges *= 2;
  if (reading.edges > 0) rig.last_pulse_ = rig.agenda_.now();
  if (rig.ailments.meter_gone) {
    rig.listening_ = false;
    reading.fault = "the simulated meter's line is gone";
  }
  return reading;
}

tl::expected<void, std::string> TapRig::Meter::listen(bool on) {
  TapRig& rig = rig_;
  if (on && rig.ailments.meter_gone) {
    return tl::unexpected{std::string{"the simulated meter's line is gone"}};
  }
  if (on == rig.listening_) return {};
  rig.take_edges();
  rig.edges_.clear();
  rig.listening_ = on;
  // The kernel numbers a new request's edges from 1 again.
  rig.number_base_ = rig.newest_number_;
  rig.filter_ = drivers::EdgeFilter{rig.tap_.shortest_interval};
  return {};
}

}  // namespace tapd::simulation
