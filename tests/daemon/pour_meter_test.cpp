// What of the meter's edges is believed during a pour, and what of it is charged.
#include "daemon/core/pour_meter.hpp"

#include <random>

#include <catch2/catch_test_macros.hpp>

#include "daemon/core/noise_watch.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using model::SinceBoot;
using model::Volume;

constexpr SinceBoot opened = 1h;

Calibration turbine() {
  const std::array points{CurvePoint{20'000, 5'000'000}, CurvePoint{400'000, 5'600'000}};
  return *Calibration::from_curve(points);
}

/// One pour through a meter whose edges come as the test says.
struct Pour {
  explicit Pour(const MeterRules& rules = {}, const Calibration& calibration = turbine(),
                Volume refill = {})
      : meter{calibration, rules, refill, opened} {}
  PourMeter::Verdict take(std::int64_t edges, std::chrono::nanoseconds after) {
    now += after;
    return meter.take({.edges = edges, .newest = now}, now);
  }
  /// Steady pulses for a while, `batch` edges at a time.
  PourMeter::Verdict run(std::int64_t hz, std::chrono::milliseconds time, std::int64_t batch = 1) {
    const auto step = batch * std::chrono::nanoseconds{1s} / (2 * hz);
    for (const auto end = now + time; now + step <= end;) {
      if (const auto verdict = take(batch, step); verdict != PourMeter::Verdict::fine) {
        return verdict;
      }
    }
    return PourMeter::Verdict::fine;
  }
  PourMeter meter;
  SinceBoot now{opened + 100ms};
};

MeterRules sane() {
  MeterRules rules;
  rules.most_flow = 80'000;
  rules.most_millihertz = 2'030'000;
  rules.hammer_mask = 50ms;
  return rules;
}

}  // namespace

TEST_CASE("a pour read edge by edge and one read in heaps are the same, at every rate",
          "[pour_meter]") {
  for (const std::int64_t hz : {10, 25, 60, 336, 500}) {
    Pour single{sane()};
    Pour heaped{sane()};
    single.take(1, 0ns);
    heaped.take(1, 0ns);
    const auto pulse = std::chrono::nanoseconds{1s} / hz;
    for (int i = 0; i < 100; ++i) {
      for (int edge = 0; edge < 4; ++edge) single.take(1, pulse / 2);
      heaped.take(4, pulse / 2 * 4);
    }
    CAPTURE(hz);
    const auto one = single.meter.charged().in_microlitres();
    const auto all = heaped.meter.charged().in_microlitres();
    // The first edges, before any pace is known, may differ by what the curve differs.
    CHECK(std::abs(one - all) <= 60);
  }
}

TEST_CASE("what is charged never goes back and is never above what the meter counted",
          "[pour_meter]") {
  std::mt19937_64 random{5};
  for (int pour = 0; pour < 300; ++pour) {
    MeterRules rules = sane();
    rules.run_on = std::chrono::milliseconds{random() % 60};
    const Volume refill = Volume::millilitres(static_cast<std::int64_t>(random() % 3) * 20);
    Pour meter{rules, turbine(), refill};
    const auto shut_after = 50 + random() % 300;
    std::int64_t edges = 0;
    Volume before;
    for (std::uint64_t step = 0; step < 500; ++step) {
      if (step == shut_after) {
        const Volume charged = meter.meter.charged();
        meter.meter.shut(meter.now);
        REQUIRE(meter.meter.charged() == charged);
      }
      // Stamps jump, stand still and go back; edges come in any number.
      const auto some = static_cast<std::int64_t>(random() % 40);
      const auto jitter = std::chrono::milliseconds{static_cast<std::int64_t>(random() % 50) - 25};
      meter.now += std::chrono::microseconds{random() % 50'000};
      [[maybe_unused]] const auto verdict =
          meter.meter.take({.edges = some, .newest = meter.now + jitter}, meter.now);
      edges += some;
      const Volume charged = meter.meter.charged();
      REQUIRE(charged >= before);
      REQUIRE(charged <= meter.meter.most_charged());
      // At most what the dearest row says of every edge.
      REQUIRE(charged <= FineVolume::of(edges, 200'000).volume());
      REQUIRE(meter.meter.charged_before_shut() <= charged);
      before = charged;
    }
  }
}

TEST_CASE("gas is not charged: the pour is worth what it was before", "[pour_meter]") {
  Pour pour{sane()};
  REQUIRE(pour.run(336, 3s) == PourMeter::Verdict::fine);
  const Volume beer = pour.meter.charged();
  REQUIRE(pour.run(800, 1s) == PourMeter::Verdict::gas);
  CHECK(pour.meter.evidence().suspect_gas);
  // Until the pace shows the jump some gas goes through as beer: a few millilitres.
  CHECK(pour.meter.charged() - beer <= Volume::millilitres(3));
  CHECK(pour.meter.evidence().not_believed > Volume::millilitres(10));
  const Volume charged = pour.meter.charged();
  pour.run(800, 1s);
  CHECK(pour.meter.charged() == charged);
}

TEST_CASE("a flow that is too fast for an instant is charged in full", "[pour_meter]") {
  Pour pour{sane()};
  pour.run(336, 1s);
  REQUIRE(pour.run(800, 80ms) == PourMeter::Verdict::fine);
  REQUIRE(pour.run(336, 1s) == PourMeter::Verdict::fine);
  CHECK(pour.meter.evidence().not_believed == Volume{});
  CHECK(pour.meter.charged() == pour.meter.most_charged());
}

// Found by reading: what data sheets call the most is what liquid does; gas turns it faster.
TEST_CASE("faster than the data sheet's most is gas, and faster than gas turns it is noise",
          "[pour_meter]") {
  MeterRules rules = sane();
  SECTION("where it is known what the tap pours") {}
  SECTION("where nobody has told") {
    rules.most_flow = 0;
  }
  // What is charged of either: until the pace of the last 20 ms is above what may be.
  const Volume window = Volume::millilitres(10);
  Pour gas{rules};
  gas.run(336, 1s);
  const Volume before = gas.meter.charged();
  CHECK(gas.run(2'600, 1s) == PourMeter::Verdict::gas);
  CHECK(gas.meter.evidence().suspect_gas);
  CHECK(gas.meter.charged() - before < window);
  Pour noise{rules};
  noise.run(336, 1s);
  CHECK(noise.run(6'200, 1s) == PourMeter::Verdict::noise);
  CHECK_FALSE(noise.meter.evidence().suspect_gas);
  CHECK(noise.meter.charged() - before < window);
}

TEST_CASE("the valve's own knock is no flow, before a pour and after one that never ran",
          "[pour_meter]") {
  Pour pour{sane()};
  pour.now = opened;
  pour.take(2, 10ms);
  pour.take(2, 20ms);
  CHECK_FALSE(pour.meter.has_flowed());
  CHECK(pour.meter.most_charged() > Volume{});  // the limit counts it until it is known
  SECTION("flow that begins within the mask and goes on is charged from its first edge") {
    pour.run(336, 1s);
    const auto edges = pour.meter.evidence().edges;
    CHECK(pour.meter.charged() >= FineVolume::of(edges, 178'571).volume());
    CHECK(pour.meter.evidence().not_believed == Volume{});
  }
  SECTION("nothing follows") {
    pour.now += 1s;
    pour.meter.shut(pour.now);
    pour.take(3, 5ms);
    CHECK_FALSE(pour.meter.has_flowed());
    CHECK(pour.meter.charged() == Volume{});
    CHECK(pour.meter.evidence().not_believed > Volume{});
  }
  SECTION("flow begins much later") {
    pour.now += 2s;
    pour.run(336, 1s);
    CHECK(pour.meter.evidence().not_believed > Volume{});
    CHECK(pour.meter.evidence().not_believed < Volume::millilitres(1));
  }
}

TEST_CASE("run-on is taken off the tail and nothing else", "[pour_meter]") {
  MeterRules rules;
  rules.run_on = 20ms;
  Pour pour{rules, Calibration::constant(200'000)};
  pour.run(500, 2s);  // 100 ml/s
  const Volume before = pour.meter.charged();
  pour.meter.shut(pour.now);
  CHECK(pour.meter.charged() == before);
  pour.take(4, 4ms);
  CHECK(pour.meter.charged() == before);  // within the run-on
  pour.run(500, 100ms);
  const Volume counted = pour.meter.most_charged();
  const Volume off = pour.meter.evidence().run_on;
  CHECK(off >= Volume::microlitres(1'900));
  CHECK(off <= Volume::microlitres(2'100));
  CHECK(pour.meter.charged() == counted - off);
  CHECK(pour.meter.tail() == counted - before);  // the lesson is what the meter counts
}

TEST_CASE("what fills the line after a pause is counted and not charged", "[pour_meter]") {
  Pour pour{{}, Calibration::constant(200'000), Volume::millilitres(30)};
  pour.run(500, 200ms);
  CHECK(pour.meter.charged() == Volume{});
  CHECK(pour.meter.has_flowed());
  pour.run(500, 800ms);
  const Volume counted = FineVolume::of(pour.meter.evidence().edges, 200'000).volume();
  CHECK(pour.meter.charged() == counted - Volume::millilitres(30));
  CHECK(pour.meter.evidence().refill == Volume::millilitres(30));
}

TEST_CASE("pulses below the meter's range are charged and flagged", "[pour_meter]") {
  MeterRules rules;
  rules.slowest_pulse = 50ms;
  Pour pour{rules};
  pour.run(336, 1s);
  CHECK(pour.meter.evidence().low_flow == 0);
  pour.run(5, 2s);
  CHECK(pour.meter.evidence().low_flow >= 10);
  CHECK(pour.meter.charged() > FineVolume::of(690, 178'571).volume());
}

TEST_CASE("only more edges than bounce explains are noise", "[pour_meter]") {
  NoiseWatch watch{2'030'000};
  auto now = SinceBoot{1h};
  CHECK_FALSE(watch.too_much(1, 0, now));
  for (int i = 0; i < 20; ++i) CHECK_FALSE(watch.too_much(406 * 3, 0, now += 100ms));
  CHECK_FALSE(watch.too_much(4'060, 0, now += 1s));
  CHECK_FALSE(watch.too_much(3'000, 0, now += 30ms));
  CHECK(watch.too_much(7'000, 0, now += 70ms));
  CHECK_FALSE(NoiseWatch{0}.too_much(1'000'000, 0, now));
}

TEST_CASE("a worn contact that bounces at every edge is no noise, a storm of bounces is",
          "[pour_meter]") {
  // 450 pulses a litre, 95 ml/s at most. A window of a pour at 60 ml/s has five edges, and each may
  // bounce four times.
  NoiseWatch watch{42'750};
  auto now = SinceBoot{1h};
  CHECK_FALSE(watch.too_much(0, 0, now));
  for (int i = 0; i < 100; ++i) CHECK_FALSE(watch.too_much(5, 5 * 8, now += 100ms));
  CHECK_FALSE(watch.too_much(54, 54 * 8, now += 1s));
  CHECK(watch.too_much(5, 200, now += 100ms));
  CHECK(watch.too_much(0, 1'000, now += 1s));

  // A fast meter has so many edges in a window that they need no more room.
  NoiseWatch fast{532'000};
  now = SinceBoot{1h};
  CHECK_FALSE(fast.too_much(100, 299, now += 1h));
  for (int i = 0; i < 100; ++i) CHECK_FALSE(fast.too_much(100, 280, now += 100ms));
  CHECK(fast.too_much(100, 320, now += 100ms));
}

}  // namespace tapd::test
