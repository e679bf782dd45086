#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "config_text.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("a meter is known by its model, and what is written beside it wins", "[config]") {
  const std::string k_factor = "pulses_per_litre = 450";
  const auto meter = [&](const std::string& keys) {
    return parse_config(replaced(good, k_factor, keys), "tapd.toml").taps[1].meter;
  };
  const MeterConfig sf800 = meter("model = \"sf800\"");
  CHECK(sf800.milli_pulses_per_litre == 5'600'000);
  CHECK(sf800.rules.most_millihertz == 2'030'000);
  CHECK(sf800.shortest_interval == std::chrono::microseconds{200});
  // 8.333 ml/s are 46.7 Hz.
  CHECK(sf800.rules.slowest_pulse / std::chrono::microseconds{1} == 21'429);
  const MeterConfig own = meter("model = \"sf800\", pulses_per_litre = 5750.5, max_hz = 1800");
  CHECK(own.milli_pulses_per_litre == 5'750'500);
  CHECK(own.rules.most_millihertz == 1'800'000);
  const MeterConfig plain = meter("pulses_per_litre = 450, shortest_interval_us = 1000");
  CHECK(plain.rules.most_millihertz == 500'000);
  CHECK(plain.rules.slowest_pulse.count() == 0);
  CHECK(plain.rules.most_flow == 0);
}

TEST_CASE("a curve is read from slow to fast and gives the tap its most and its least",
          "[config]") {
  const Config config = parse_config(
      replaced(replaced(good, "pulses_per_litre = 450",
                        "model = \"sf800\", curve = [[50, 5200], [100, 5450.5], [400, 5600]], "
                        "run_on_ms = 20, hammer_mask_ms = 30"),
               "mode = \"tap-to-start\"",
               "mode = \"tap-to-start\"\nrefill_ml = 40\nrefill_after_min = 90"),
      "tapd.toml");
  const SessionRules& rules = config.taps[1].rules;
  CHECK(config.taps[1].meter.calibration.curve_text() ==
        "50.000 Hz 192308 nl, 100.000 Hz 183469 nl, 400.000 Hz 178571 nl");
  CHECK(rules.meter.most_flow == 71'428);
  CHECK(rules.meter.slowest_pulse == std::chrono::milliseconds{20});
  CHECK(rules.meter.run_on == std::chrono::milliseconds{20});
  CHECK(rules.meter.hammer_mask == std::chrono::milliseconds{30});
  CHECK(rules.meter.refill == model::Volume::millilitres(40));
  CHECK(rules.meter.refill_after == std::chrono::minutes{90});
}

TEST_CASE("a tap may pour a little beyond the range that is told of its meter", "[config]") {
  const auto most = [](const std::string& keys) {
    return parse_config(replaced(good, "pulses_per_litre = 450", keys), "tapd.toml")
        .taps[1]
        .meter.rules.most_millihertz;
  };
  CHECK(most("curve = [[20, 450], [125, 470]], max_hz = 100") == 100'000);
  CHECK(most("model = \"sf800\", max_hz = 100, most_ml_per_s = 22") == 100'000);
}

TEST_CASE("a meter that cannot be is refused with what would be right", "[config]") {
  struct Bad {
    std::string keys, says;
  };
  const Bad bad = GENERATE(values<Bad>({
      {"model = \"sf-800\"", "tap 2.meter.model: \"sf-800\" is not known; known are yf-s201, "},
      {"bias = \"pull-up\"", "pulses_per_litre: is missing: write it, or a curve, or the meter's"},
      {"pulses_per_litre = 450, curve = [[20, 450]]", "write one of the two"},
      {"curve = []", "meter.curve: has 0 points, but must have 1 to 16"},
      {"curve = [20, 450]", "must be a list of pairs of numbers, such as"},
      {"curve = [[20, 450], [10, 440]]", "point 2: its frequency is not above the one before"},
      {"curve = [[20, 450], [21, 900]]", "point 2: it means less flow"},
      {"curve = [[20, nan]]", "must be a list of pairs"},
      {"model = \"sf800\", max_hz = 0", "meter.max_hz: is 0, but must be 1 to 10000"},
      {"curve = [[20, 450], [130, 470]], max_hz = 100",
       "meter.max_hz: is 100, but at 276 ml/s (most_ml_per_s) the meter turns at 130 Hz: fast "
       "beer"},
      {"model = \"sf800\", max_hz = 100, most_ml_per_s = 50", "at 50 ml/s (most_ml_per_s) the"},
      {"model = \"sf800\", run_on_ms = 501", "meter.run_on_ms: is 501, but must be 0 to 500"},
      {"model = \"sf800\", most_ml_per_s = -1", "meter.most_ml_per_s: is -1, but must be 0.001"},
      {"model = \"sf800\", hammer_mask_ms = \"x\"", "must be a whole number"},
  }));
  CAPTURE(bad.keys);
  CHECK_THAT(findings(replaced(good, "pulses_per_litre = 450", bad.keys)),
             ContainsSubstring("tapd.toml:23:") && ContainsSubstring(bad.says));
}

}  // namespace tapd::test
