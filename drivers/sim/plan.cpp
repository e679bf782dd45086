#include "drivers/sim/plan.hpp"

#include <fmt/format.h>

#include <cmath>
#include <set>

namespace tapd::drivers::sim {
namespace {

constexpr std::int64_t most_ml_per_s = 1'000;
constexpr std::int64_t most_keg_ml = 1'000'000;
constexpr std::int64_t most_milli_pulses_per_litre = 100'000'000;
constexpr std::int64_t most_number = 999;
constexpr std::chrono::microseconds slowest_part = std::chrono::seconds{10};
constexpr int most_drips = 1'000;
constexpr int most_knock_pulses = 100;
constexpr double most_unevenness = 0.25;  // Two neighbours never change places.
constexpr double most_gas_speed = 10;

/// Collects what is wrong with one tap.
class Inspection {
 public:
  Inspection(std::string tap, std::vector<std::string>& found)
      : tap_{std::move(tap)}, found_{found} {}

  template<typename Number>
  void range(const char* what, Number value, Number least, Number most) {
    if (value >= least && value <= most) return;
    say(fmt::format("{} must be from {} to {}, not {}", what, least, most, value));
  }
  void rate(const char* what, double value) { range(what, value, 0.0, 1.0); }
  void duration(const char* what, std::chrono::microseconds value, std::int64_t least_us = 0) {
    if (value.count() >= least_us && value <= slowest_part) return;
    say(fmt::format("{} must be from {} us to {} us, not {} us", what, least_us,
                    slowest_part.count(), value.count()));
  }
  void say(const std::string& finding) { found_.push_back(tap_ + ": " + finding); }

 private:
  std::string tap_;
  std::vector<std::string>& found_;
};

void inspect(const ValvePlan& valve, Inspection& tap) {
  tap.duration("the valve's delay before it opens", valve.opens_after);
  tap.duration("the valve's opening time", valve.opens_in);
  tap.duration("the valve's delay before it shuts", valve.shuts_after);
  tap.duration("the valve's shutting time", valve.shuts_in);
  tap.range("the number of drips", valve.drips, 0, most_drips);
  tap.range("the pulses of the valve's knock", valve.knock_pulses, 0, most_knock_pulses);
  tap.range("the size of a drip in ml", valve.drip_ml, 0.0, 10.0);
  tap.duration("the time a drip takes", valve.drip_takes, 1);
  tap.duration("the time from drip to drip", valve.drip_every, 1);
  if (valve.drip_every <= valve.drip_takes) {
    tap.say("the time from drip to drip must be longer than a drip takes");
  }
}

void inspect(const MeterPlan& meter, Inspection& tap) {
  tap.range("the K-factor in thousandths of a pulse per litre", meter.milli_pulses_per_litre,
            std::int64_t{1}, most_milli_pulses_per_litre);
  tap.range("the meter's knee in ml/s", meter.knee_ml_per_s, 0.0,
            static_cast<double>(most_ml_per_s));
  tap.range("the flow at which the meter stalls in ml/s", meter.stall_ml_per_s, 0.0,
            static_cast<double>(most_ml_per_s));
  if (meter.stall_ml_per_s > meter.knee_ml_per_s) {
    tap.say("the meter must stall at less flow than its knee");
  }
  tap.duration("the impeller's run-on", meter.run_on);
  tap.duration("the longest bounce", meter.longest_bounce);
  tap.range("the unevenness in pulses", meter.unevenness, 0.0, most_unevenness);
  tap.range("the unevenness for gas in pulses", meter.gas_unevenness, 0.0, most_unevenness);
  tap.rate("the share of edges that bounce", meter.bounce_rate);
  tap.rate("the share of lost edges", meter.lost_edge_rate);
  tap.range("the speed of gas", meter.gas_speed, 0.0, most_gas_speed);
}

void inspect(const ReaderPlan& reader, Inspection& tap) {
  tap.rate("the reader's share of silences", reader.silence_rate);
  tap.rate("the reader's share of garbled answers", reader.garble_rate);
  if (reader.silence_rate + reader.garble_rate > 1) {
    tap.say("the reader's shares of silences and garbled answers are more than 1 together");
  }
  tap.duration("the time a look takes", reader.look_takes);
}

void inspect(const SimTapPlan& plan, Inspection& tap) {
  tap.range("the tap's number", plan.number, std::int64_t{0}, most_number);
  tap.range("the keg in ml", plan.keg_ml, std::int64_t{0}, most_keg_ml);
  tap.range("the gas after an empty keg in ml", plan.gas_after_empty_ml, std::int64_t{0},
            most_keg_ml);
  tap.range("the line's most in ml/s", plan.most_ml_per_s, std::int64_t{1}, most_ml_per_s);
  tap.range("the handle's rate in ml/s", plan.handle_ml_per_s, std::int64_t{0}, plan.most_ml_per_s);
  tap.duration("the interval filter's shortest interval", plan.shortest_interval);
  inspect(plan.valve, tap);
  inspect(plan.meter, tap);
  inspect(plan.reader, tap);
}

}  // namespace

std::int64_t number_of(const BarPlan& plan, std::size_t place) {
  const std::int64_t number = plan.taps.at(place).number;
  return number != 0 ? number : static_cast<std::int64_t>(place) + 1;
}

std::vector<std::string> findings(const BarPlan& plan) {
  std::vector<std::string> found;
  if (plan.taps.empty()) found.emplace_back("a simulated bar needs a tap");
  if (plan.taps.size() > most_taps) {
    found.push_back(
        fmt::format("a simulated bar has at most {} taps, not {}", most_taps, plan.taps.size()));
    return found;
  }
  if (plan.wake_grain.count() < 0 || plan.wake_grain > slowest_part) {
    found.push_back(fmt::format("the wake grain must be from 0 us to {} us, not {} us",
                                slowest_part.count(), plan.wake_grain.count()));
  }
  std::set<std::int64_t> numbers;
  for (std::size_t place = 0; place < plan.taps.size(); ++place) {
    const std::int64_t number = number_of(plan, place);
    Inspection tap{fmt::format("tap {}", number), found};
    inspect(plan.taps[place], tap);
    if (!numbers.insert(number).second) tap.say("there are two taps with this number");
  }
  return found;
}

}  // namespace tapd::drivers::sim
