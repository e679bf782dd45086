// The arithmetic between an edge and a volume: calibration, flow rate and the learnt tail.
#include <random>

#include <catch2/catch_test_macros.hpp>

#include "daemon/core/calibration.hpp"
#include "daemon/core/flow_rate.hpp"
#include "daemon/core/tail_estimate.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using model::Volume;

TEST_CASE("pulses per litre become nanolitres per pulse, rounded once", "[metering]") {
  CHECK(Calibration::from_milli_pulses_per_litre(450'000).nominal() == 2'222'222);
  CHECK(Calibration::from_milli_pulses_per_litre(5'600'000).nominal() == 178'571);
  CHECK(Calibration::from_milli_pulses_per_litre(1'000'000).nominal() == 1'000'000);
}

TEST_CASE("a litre of pulses is a litre, whatever the K-factor", "[metering]") {
  std::mt19937_64 random{1};
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t pulses = 100 + static_cast<std::int64_t>(random() % 20'000);
    const Calibration calibration = Calibration::from_milli_pulses_per_litre(pulses * 1'000);
    const std::int64_t volume = calibration.worth(2 * pulses, {}).volume().in_microlitres();
    // Half a nanolitre per pulse is all that rounding may take: under 10 ul in a litre here.
    REQUIRE(volume >= 999'989);
    REQUIRE(volume <= 1'000'010);
  }
}

TEST_CASE("a steady flow is measured within a tenth", "[metering]") {
  const FineVolume edge_worth = FineVolume::of(1, 200'000);  // 0.1 ml
  for (const std::int64_t ml_per_second : {5, 20, 60, 100, 200}) {
    FlowRate rate;
    auto now = model::SinceBoot{1h};
    const auto gap = model::SinceBoot{1s} / (10 * ml_per_second);
    for (int edge = 0; edge < 10 * ml_per_second; ++edge, now += gap) rate.add(edge_worth, now);
    const std::int64_t measured = rate.microlitres_per_second(now);
    CAPTURE(ml_per_second);
    CHECK(measured >= ml_per_second * 900);
    CHECK(measured <= ml_per_second * 1'100);
  }
}

TEST_CASE("flow that has stopped has no rate", "[metering]") {
  FlowRate rate;
  rate.add(FineVolume::of(100, 2'000'000), 10s);
  CHECK(rate.microlitres_per_second(10s + 300ms) == 0);
}

TEST_CASE("the tail is learnt as a median, so that one bad lesson changes nothing", "[metering]") {
  TailEstimate tail{300ms};
  for (int i = 0; i < 9; ++i) tail.learn(Volume::microlitres(3'000), 60'000);  // 50 ms
  tail.learn(Volume::microlitres(60'000), 60'000);                             // a whole second
  CHECK(tail.close_time() == 50ms);
  CHECK(tail.expected(100'000) == Volume::microlitres(5'000));
}

TEST_CASE("a tap that has never poured is given the tail of a usual valve, within its bound",
          "[metering]") {
  TailEstimate tail{300ms};
  CHECK(tail.expected(60'000) == Volume::microlitres(3'000));
  // One lesson replaces the assumption: it is no lesson itself.
  tail.learn(Volume::microlitres(1'200), 60'000);
  CHECK(tail.close_time() == 20ms);
  CHECK(TailEstimate{30ms}.close_time() == 30ms);
  CHECK(TailEstimate{0ms}.expected(200'000) == Volume{});
  CHECK(TailEstimate{300ms, 0us}.close_time() == 0us);
}

TEST_CASE("what is learnt is bounded, and drips teach nothing", "[metering]") {
  TailEstimate tail{100ms};
  for (int i = 0; i < 30; ++i) tail.learn(Volume::microlitres(1'000'000), 60'000);
  CHECK(tail.close_time() == 100ms);
  TailEstimate dripping{100ms};
  dripping.learn(Volume::microlitres(1'000), TailEstimate::slowest_lesson - 1);
  CHECK(dripping.close_time() == TailEstimate::assumed);
  CHECK(TailEstimate{100ms, std::chrono::microseconds{999'999}}.close_time() == 100ms);
}

}  // namespace tapd::test
