// What a pulse is worth at which pace, and the meters that are known by name.
#include "daemon/core/calibration.hpp"

#include <random>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/core/meter_models.hpp"
#include "daemon/core/pulse_pace.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

/// A turbine that reads too little at low flow: 5,000 pulses per litre at 20 Hz, 5,600 at 400 Hz.
const std::vector<CurvePoint> turbine{
    {20'000, 5'000'000}, {100'000, 5'400'000}, {400'000, 5'600'000}};

Calibration curve(const std::vector<CurvePoint>& points = turbine) {
  const auto read = Calibration::from_curve(points);
  REQUIRE(read.has_value());
  return *read;
}

std::chrono::nanoseconds period(std::int64_t hz) {
  return std::chrono::nanoseconds{1s} / hz;
}

/// A curve that a turbine could have: rising frequency, rising flow.
std::vector<CurvePoint> random_points(std::mt19937_64& random) {
  std::vector<CurvePoint> points;
  const std::size_t count = 1 + random() % Calibration::most_rows;
  std::int64_t millihertz = 1'000 + static_cast<std::int64_t>(random() % 50'000);
  const std::int64_t k = 400'000 + static_cast<std::int64_t>(random() % 20'000'000);
  for (std::size_t i = 0; i < count; ++i) {
    points.push_back({millihertz, k + static_cast<std::int64_t>(random() % 10) * k / 100});
    millihertz += millihertz / 5 + static_cast<std::int64_t>(random() % 100'000);
  }
  return points;
}

}  // namespace

TEST_CASE("a curve gives its points exactly, and what lies between them in between",
          "[calibration]") {
  const Calibration table = curve();
  CHECK(table.nanolitres_per_pulse(period(20)) == 200'000);
  CHECK(table.nanolitres_per_pulse(period(100)) == 185'185);
  CHECK(table.nanolitres_per_pulse(period(400)) == 178'571);
  // The flow is a straight line over the frequency: at 60 Hz it is in the middle of 4.000 ml/s (20
  // Hz) and 18.5185 ml/s (100 Hz), so a pulse is worth 11.25925 ml/s by 60 Hz:
  // 187,654 nl, and what rounding takes.
  CHECK(table.nanolitres_per_pulse(std::chrono::nanoseconds{16'666'667}) == 187'655);
  CHECK(table.fastest_flow() == 71'428);
  CHECK(table.slowest() == period(20));
}

TEST_CASE("outside a curve its nearest point holds, and an unknown pace is charged least",
          "[calibration]") {
  const Calibration table = curve();
  CHECK(table.nanolitres_per_pulse(10s) == 200'000);
  CHECK(table.nanolitres_per_pulse(1ns) == 178'571);
  CHECK(table.nanolitres_per_pulse(std::nullopt) == 178'571);
}

TEST_CASE("a K-factor is a curve of one point", "[calibration]") {
  const Calibration one = curve({{50'000, 5'600'000}});
  const Calibration constant = Calibration::from_milli_pulses_per_litre(5'600'000);
  for (const auto pace : {1ns, 1'000'000ns, 1'000'000'000ns}) {
    CHECK(one.nanolitres_per_pulse(pace) == constant.nanolitres_per_pulse(pace));
  }
  CHECK(constant.curve_text().empty());
  CHECK(one.curve_text() == "50.000 Hz 178571 nl");
}

TEST_CASE("more pulses a second are never less flow, whatever the curve", "[calibration]") {
  std::mt19937_64 random{3};
  int curves = 0;
  for (int i = 0; i < 500; ++i) {
    const auto read = Calibration::from_curve(random_points(random));
    if (!read) continue;  // a jump in K that no flow explains: refused
    ++curves;
    std::int64_t before = 0;
    for (std::int64_t interval = 2'000'000'000; interval > 50'000; interval -= interval / 40) {
      const std::int64_t worth = read->nanolitres_per_pulse(std::chrono::nanoseconds{interval});
      const std::int64_t flow = worth * 1'000'000 / interval;
      REQUIRE(worth > 0);
      // A nanolitre per pulse is what rounding may take.
      REQUIRE(flow + 1'000'000 / interval + 1 >= before);
      before = flow;
    }
  }
  CHECK(curves > 100);
}

TEST_CASE("a curve that no meter has is refused with the point and the reason", "[calibration]") {
  const auto refused = [](const std::vector<CurvePoint>& points) {
    const auto read = Calibration::from_curve(points);
    return read ? std::string{} : read.error();
  };
  CHECK_THAT(refused({}), ContainsSubstring("has 0 points, but must have 1 to 16"));
  CHECK_THAT(refused(std::vector<CurvePoint>(17, CurvePoint{1'000, 1'000})),
             ContainsSubstring("has 17 points"));
  CHECK_THAT(refused({{0, 450'000}}), ContainsSubstring("point 1: its frequency must be 1 to"));
  CHECK_THAT(refused({{20'000, 0}}), ContainsSubstring("point 1: it must have 1 to 1000000"));
  CHECK_THAT(refused({{20'000, 450'000}, {20'000, 460'000}}),
             ContainsSubstring("point 2: its frequency is not above"));
  CHECK_THAT(refused({{20'000, 450'000}, {21'000, 900'000}}),
             ContainsSubstring("point 2: it means less flow"));
}

TEST_CASE("sums of edges are exact, and stop at a volume that is no pour", "[calibration]") {
  std::mt19937_64 random{4};
  for (int i = 0; i < 200; ++i) {
    const auto worth = static_cast<std::int64_t>(1'000 + random() % 1'000'000'000);
    FineVolume sum;
    std::int64_t edges = 0;
    for (int batch = 0; batch < 50; ++batch) {
      const auto some = static_cast<std::int64_t>(random() % 30);
      sum += FineVolume::of(some, worth);
      edges += some;
      REQUIRE(sum == FineVolume::of(edges, worth));
    }
  }
  FineVolume flood = FineVolume::of(std::numeric_limits<std::int64_t>::max(), 1'000'000'000);
  flood += flood;
  CHECK(flood.volume() <= model::Volume::microlitres(1'000'000'000'000));
}

TEST_CASE("the pace of pulses is measured within a hundredth, however they are read",
          "[calibration]") {
  for (const std::int64_t hz : {2, 20, 336, 2'000}) {
    for (const std::int64_t batch : {1, 3, 40}) {
      PulsePace pace;
      auto now = model::SinceBoot{1h};
      for (int i = 0; i < 60; ++i) {
        now += batch * period(hz) / 2;
        pace.add(batch, now);
      }
      CAPTURE(hz, batch);
      if (batch * period(hz) / 2 > PulsePace::forgets_after) {
        CHECK_FALSE(pace.pulse_interval());
        continue;
      }
      REQUIRE(pace.pulse_interval());
      CHECK(*pace.pulse_interval() >= period(hz) * 99 / 100);
      CHECK(*pace.pulse_interval() <= period(hz) * 101 / 100);
    }
  }
}

TEST_CASE("a pace that jumps is noticed within some tens of milliseconds", "[calibration]") {
  PulsePace pace;
  auto now = model::SinceBoot{1h};
  for (int i = 0; i < 500; ++i) pace.add(1, now += period(336) / 2);
  const auto jump = now;
  while (now - jump < 30ms) pace.add(1, now += period(605) / 2);
  CHECK(*pace.pulse_interval() < period(590));
}

TEST_CASE("stamps that go back or stand still give no pace that is too fast to be true",
          "[calibration]") {
  PulsePace pace;
  pace.add(1, 10s);
  pace.add(5, 9s);
  CHECK_FALSE(pace.pulse_interval());
  pace.add(5, 10s);
  CHECK_FALSE(pace.pulse_interval());
  pace.add(2, 10s + 1ms);
  REQUIRE(pace.pulse_interval());
  CHECK(*pace.pulse_interval() >= 1ns);
}

TEST_CASE("every known meter can be sold through", "[calibration]") {
  for (const MeterModel& model : meter_models()) {
    CAPTURE(model.name);
    CHECK(find_meter_model(model.name) == &model);
    CHECK(model.milli_pulses_per_litre >= Calibration::least_milli_pulses_per_litre);
    CHECK(model.shortest_interval > 0us);
    if (model.most_millihertz == 0) continue;
    // At its highest frequency an edge lasts half a period: longer than what counts as bounce.
    CHECK(1'000'000'000 / model.most_millihertz / 2 > model.shortest_interval.count());
    const std::int64_t most_flow = model.most_millihertz * 1'000'000 / model.milli_pulses_per_litre;
    CHECK(model.least_flow < most_flow);
  }
  CHECK(find_meter_model("sf800")->milli_pulses_per_litre == 5'600'000);
  CHECK(find_meter_model("SF-9000") == nullptr);
}

}  // namespace tapd::test
