#include "drivers/sim/plan.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <limits>

#include "drivers/sim/bar.hpp"
#include "tests/drivers/set_clock.hpp"

namespace tapd::drivers::sim {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a plan that no bar can be is refused with every reason", "[sim][plan]") {
  BarPlan plan;
  CHECK(findings(plan) == std::vector<std::string>{"a simulated bar needs a tap"});
  plan.taps.resize(most_taps);
  CHECK(findings(plan).empty());
  plan.taps.resize(most_taps + 1);
  CHECK(findings(plan).size() == 1);

  plan.taps.resize(4);
  plan.taps[0].meter.milli_pulses_per_litre = -5'600'000;
  plan.taps[0].valve.shuts_in = -1us;
  plan.taps[1].number = 9;
  plan.taps[1].keg_ml = -1;
  plan.taps[1].meter.stall_ml_per_s = 9;
  plan.taps[1].meter.knee_ml_per_s = 8;
  plan.taps[2].meter.lost_edge_rate = std::numeric_limits<double>::quiet_NaN();
  plan.taps[2].reader = {.silence_rate = 0.6, .garble_rate = 0.6};
  plan.taps[3].number = 3;
  plan.taps[3].handle_ml_per_s = 251;
  plan.wake_grain = -1us;
  const std::vector<std::string> expected{
      "the wake grain must be from 0 us to 10000000 us, not -1 us",
      "tap 1: the valve's shutting time must be from 0 us to 10000000 us, not -1 us",
      {"tap 1: the K-factor in thousandths of a pulse per litre must be from 1 to 100000000, not "
       "-5600000"},
      "tap 9: the keg in ml must be from 0 to 1000000, not -1",
      "tap 9: the meter must stall at less flow than its knee",
      "tap 3: the share of lost edges must be from 0 to 1, not nan",
      "tap 3: the reader's shares of silences and garbled answers are more than 1 together",
      "tap 3: the handle's rate in ml/s must be from 0 to 250, not 251",
      "tap 3: there are two taps with this number",
  };
  CHECK(findings(plan) == expected);

  SetClock clock;
  CHECK_THROWS_WITH((SimBar{plan, clock}), ContainsSubstring("tap 9: the keg in ml") &&
                                               ContainsSubstring("; tap 3: there are two"));
}

}  // namespace
}  // namespace tapd::drivers::sim
