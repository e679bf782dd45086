// What a few pours into a jug say about a meter, and when they say nothing.
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_adapters.hpp>
#include <catch2/generators/catch_generators_random.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/core/jug_calibration.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::int64_t k5600 = 5'600'000;

JugPour pour(std::int64_t edges, std::int64_t ml) {
  return {.edges = edges, .measured = model::Volume::millilitres(ml)};
}

}  // namespace

TEST_CASE("three pours that agree give pulses per litre, spread and change", "[jug]") {
  // 5,650 pulses per litre: 1% more than the configured 5,600.
  const std::vector<JugPour> pours{pour(5'650, 500), pour(5'650, 500), pour(11'300, 1'000)};
  const auto result = calibrate_by_jug(pours, k5600);
  REQUIRE(result);
  CHECK(result->milli_pulses_per_litre == 5'650'000);
  CHECK(result->spread == 0);
  CHECK(result->change == 9);  // 50 of 5,600, in thousandths, rounded up
}

TEST_CASE("the value is that of all pours together, whatever their sizes", "[jug]") {
  const auto ml = GENERATE(take(200, random<std::int64_t>(200, 3'000)));
  const auto edges = ml * 2 * 5'600 / 1'000;
  const std::vector<JugPour> pours{pour(edges, ml), pour(5'600, 500), pour(11'200, 1'000)};
  const auto result = calibrate_by_jug(pours, k5600);
  REQUIRE(result);
  CHECK(result->milli_pulses_per_litre > 5'590'000);
  CHECK(result->milli_pulses_per_litre <= 5'600'000);
}

TEST_CASE("pours that say nothing are refused with what to do", "[jug]") {
  const auto why = [](const std::vector<JugPour>& pours) {
    const auto result = calibrate_by_jug(pours, k5600);
    REQUIRE_FALSE(result);
    return result.error();
  };
  const JugPour good = pour(5'600, 500);
  CHECK_THAT(why({good, good}), ContainsSubstring("at least 3"));
  CHECK_THAT(why({good, good, pour(1'120, 100)}), ContainsSubstring("too small"));
  CHECK_THAT(why({good, good, pour(0, 500)}), ContainsSubstring("counted nothing"));
  CHECK_THAT(why({good, good, pour(6'200, 500)}), ContainsSubstring("differ by"));
  // A jug read in the wrong unit, or another meter than the configured one.
  CHECK_THAT(why({pour(5'600, 1'000), pour(5'600, 1'000), pour(5'600, 1'000)}),
             ContainsSubstring("-50.0 %") && ContainsSubstring("meter.model"));
  CHECK_THAT(why({pour(450, 500), pour(450, 500), pour(450, 500)}),
             ContainsSubstring("5600 pulses per litre"));
  CHECK_THAT(why({}), ContainsSubstring("at least"));
}

}  // namespace tapd::test
