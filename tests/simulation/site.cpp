#include "site.hpp"

namespace tapd::simulation {
namespace {

/// The one that is about what all taps sell.
std::optional<ServingLimit> first_of(const std::vector<ServingLimit>& limits) {
  return limits.empty() ? std::nullopt : std::optional{limits.front()};
}

Bounds bounds(const Plan& plan) {
  Plan honest = plan;
  honest.planted = Planted::nothing;
  return {.longest_open = session_rules(honest).longest_open,
          .offline_guest = policy_rules(plan).offline.per_guest,
          .offline_controller = policy_rules(plan).offline.controller,
          .offline_pours = policy_rules(plan).offline.pours_per_guest,
          .serving = first_of(policy_rules(plan).serving_limits)};
}

std::vector<std::unique_ptr<TapRig>> make_rigs(const Plan& plan, Agenda& agenda) {
  std::vector<std::unique_ptr<TapRig>> rigs;
  for (std::size_t tap = 0; tap < plan.taps; ++tap) {
    rigs.push_back(std::make_unique<TapRig>(plan, tap, agenda));
  }
  return rigs;
}

/// So that the last round is served: its guests have had nothing for longer than the window.
void limit_serving(PolicyRules& rules, const Plan& plan) {
  Random random = plan.stream(21);
  rules.serving_limits = {{.styles = {"LAGER"},
                           .per_pour = model::Volume::millilitres(random.between(250, 800)),
                           .in_window = model::Volume::millilitres(random.between(1'000, 2'000)),
                           .window = std::chrono::minutes{random.between(15, 60)}}};
  // Where nobody tells what a tap sells, this would hold too.
  if (!plan.demands_leave) {
    rules.serving_limits.push_back({.styles = {"stout"},
                                    .per_pour = model::Volume::millilitres(60),
                                    .in_window = {},
                                    .window = {}});
  }
  rules.service_cards = {card_of(staff_member)};
  // Where guests may be staff, every card is looked up first.
  if (random.chance(50)) rules.staff_guests = {model::GuestId{guest_id(staff_member)}};
}

}  // namespace

Site::Site(const Plan& with, bool prints)
    : plan{with},
      trace{agenda, prints},
      disk{plan},
      venue{plan, agenda, trace},
      network{plan, agenda, venue},
      rigs{make_rigs(plan, agenda)},
      referee{plan, bounds(plan), agenda, venue, rigs} {
  if (plan.has(Fault::spoilt_card)) spoilt_card.emplace(plan);
  for (std::size_t tap = 0; tap < rigs.size(); ++tap) {
    rigs[tap]->on_valve = [this, tap](bool open) {
      trace.say("tap {}: valve {}", tap + 1, open ? "open" : "shut");
      referee.on_valve(tap, open);
    };
  }
  venue.on_allow = [this](const std::string& card, std::int64_t tap) {
    referee.on_allow(card, tap);
  };
  venue.on_in_use = [this](const std::string& card, std::int64_t tap) {
    referee.on_in_use(card, tap);
  };
  venue.on_deny = [this](const std::string& card, std::int64_t tap) { referee.on_deny(card, tap); };
  venue.on_charge = [this](const std::string& id, const Booking& booking) {
    referee.on_charge(id, booking);
  };
}

SessionRules session_rules(const Plan& plan) {
  SessionRules rules;
  rules.mode = plan.tap_to_start ? SessionMode::tap_to_start : SessionMode::card_present;
  rules.longest_open = std::chrono::seconds{60};
  if (plan.planted == Planted::patient_tap) {
    rules.longest_open = rules.no_flow_timeout = std::chrono::seconds{600};
  }
  if (plan.planted == Planted::deaf_to_silence) rules.no_flow_timeout = std::chrono::seconds{25};
  if (plan.planted == Planted::short_tail) {
    rules.tail_quiet = rules.longest_tail = std::chrono::milliseconds{1};
  }
  // The top of the meter's range is what the fastest guest pulls, so that gas is far above it.
  rules.meter.most_millihertz = plan.milli_pulses_per_litre / 1'000 * 95;
  rules.meter.most_flow = 110'000;
  return rules;
}

PolicyRules policy_rules(const Plan& plan) {
  PolicyRules rules;
  Random random = plan.stream(5);
  rules.offline.per_guest = model::Money{random.between(500, 3'000)};
  rules.offline.pours_per_guest = random.between(2, 10);
  rules.offline.controller = model::Money{random.between(2'000, 20'000)};
  rules.oldest_balance = std::chrono::hours{random.between(4, 72)};
  if (plan.has(Fault::serving_limits)) limit_serving(rules, plan);
  return rules;
}

}  // namespace tapd::simulation
