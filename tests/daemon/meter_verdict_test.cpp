// What a technician is told of a meter's line, from counts over a while.
#include <array>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "daemon/core/meter_verdict.hpp"
#include "drivers/edge_filter.hpp"

namespace tapd::test {

using namespace std::chrono_literals;

namespace {

/// A line fed with edges at these times, through the filter that a real meter has.
class Line {
 public:
  void edge(std::chrono::nanoseconds at) {
    rising_ = !rising_;
    filter_.take({.rising = rising_, .stamp = at, .line_seqno = ++number_});
    last_ = at;
  }
  /// A turbine at this pace: two edges a pulse.
  void turn(int pulses_per_s, std::chrono::milliseconds time) {
    const auto half = std::chrono::nanoseconds{1s} / (2 * pulses_per_s);
    for (auto at = half; at <= time; at += half) edge(at);
  }
  [[nodiscard]] MeterCounts counts() {
    const auto reading = filter_.drain(last_ + 1s);
    MeterCounts counts{.edges = reading.edges,
                       .rejected = reading.rejected,
                       .edges_lost = reading.edges_lost,
                       .out_of_turn = reading.out_of_turn};
    for (std::size_t step = 0; step < counts.intervals.size(); ++step) {
      counts.intervals.at(step) = reading.intervals.counts.at(step);
    }
    return counts;
  }

 private:
  drivers::EdgeFilter filter_{200us};
  std::chrono::nanoseconds last_{0};
  std::uint64_t number_{0};
  bool rising_{false};
};

constexpr std::int64_t sf800 = 2'030'000;  // thousandths of a hertz

MeterLook look(const MeterCounts& counts, bool valve_shut = false) {
  return judge_meter(counts, 2s, sf800, valve_shut).look;
}

}  // namespace

TEST_CASE("a turning impeller is clean at every pace", "[meter_verdict]") {
  const int pulses_per_s = GENERATE(5, 30, 330, 1'100, 2'000);
  Line line;
  line.turn(pulses_per_s, 2s);
  CHECK(look(line.counts()) == MeterLook::clean);
}

TEST_CASE("no edge at all is silence, with what to do", "[meter_verdict]") {
  const auto verdict = judge_meter({}, 2s, sf800, true);
  CHECK(verdict.look == MeterLook::silent);
  CHECK(verdict.words.find("meter.bias") != std::string::npos);
}

TEST_CASE("a contact that bounces is told from noise", "[meter_verdict]") {
  Line line;
  for (auto at = 10ms; at < 2s; at += 10ms) {
    line.edge(at);
    if (at % 50ms == 0ms) {  // now and then to and fro, within the filter's reach
      line.edge(at + 40us);
      line.edge(at + 80us);
    }
  }
  const auto counts = line.counts();
  CHECK(counts.rejected > 0);
  CHECK(look(counts) == MeterLook::bounce);
}

TEST_CASE("edges without a pace are noise, although each of them counts", "[meter_verdict]") {
  Line line;
  auto at = 0us;
  // Intervals from half a millisecond to a quarter of a second, as sparks make them.
  constexpr std::array gaps{600us, 1'500us, 4'000us, 9'000us, 15'000us, 40'000us, 250'000us};
  for (int i = 0; i < 70; ++i) line.edge(at += gaps.at(static_cast<std::size_t>(i) % gaps.size()));
  const auto counts = line.counts();
  CHECK(counts.rejected == 0);
  CHECK(look(counts) == MeterLook::noise);
}

TEST_CASE("more edges than the meter can make are noise", "[meter_verdict]") {
  Line line;
  line.turn(1'000, 2s);
  const auto counts = line.counts();
  CHECK(judge_meter(counts, 2s, 499'000, false).look == MeterLook::noise);
  CHECK(judge_meter(counts, 2s, 501'000, false).look == MeterLook::clean);
  // Where the meter's best is not known nothing can be said by that.
  CHECK(judge_meter(counts, 2s, 0, false).look == MeterLook::clean);
}

TEST_CASE("edges through a shut valve are nobody's flow", "[meter_verdict]") {
  Line line;
  line.turn(50, 2s);
  CHECK(look(line.counts(), true) == MeterLook::noise);
}

TEST_CASE("lost edges are told before a line is called clean", "[meter_verdict]") {
  Line line;
  line.turn(330, 2s);
  MeterCounts counts = line.counts();
  counts.edges_lost = 1;
  CHECK(look(counts) == MeterLook::losing);
  counts.edges_lost = 0;
  counts.out_of_turn = counts.edges / 50;
  CHECK(look(counts) == MeterLook::losing);
}

}  // namespace tapd::test
