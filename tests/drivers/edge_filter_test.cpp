#include "drivers/edge_filter.hpp"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <random>
#include <vector>

namespace tapd::drivers {
namespace {

using namespace std::chrono_literals;

constexpr auto shortest = 200us;

/// A line of the kernel: it numbers edges and knows their level.
class Line {
 public:
  explicit Line(std::uint32_t first_seqno = 0) : seqno_(first_seqno) {}
  Edge edge(std::chrono::nanoseconds after) {
    now_ += after;
    rising_ = !rising_;
    return {.rising = rising_, .stamp = now_, .line_seqno = ++seqno_};
  }
  void drop(std::uint32_t count, std::chrono::nanoseconds each) {
    for (std::uint32_t i = 0; i < count; ++i) static_cast<void>(edge(each));
  }
  /// The level the edge reports is read too late.
  Edge mislabelled(std::chrono::nanoseconds after) {
    Edge late = edge(after);
    late.rising = !late.rising;
    return late;
  }
  [[nodiscard]] SinceBoot now() const { return now_; }

 private:
  SinceBoot now_{1h};
  std::uint32_t seqno_;
  bool rising_{false};
};

TEST_CASE("clean edges all count, the last one once its level has held", "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  for (int i = 0; i < 1000; ++i) filter.take(line.edge(1ms));
  const MeterReading first = filter.drain(line.now() + 199us);
  CHECK(first.edges == 999);
  CHECK(first.last_edge == line.now() - 1ms);
  const MeterReading second = filter.drain(line.now() + 200us);
  CHECK(second.edges == 1);
  CHECK(second.last_edge == line.now());
  CHECK(first.rejected + second.rejected == 0);
  CHECK(first.out_of_turn + second.out_of_turn == 0);
  const MeterReading nothing = filter.drain(line.now() + 1h);
  CHECK(nothing.edges == 0);
  CHECK_FALSE(nothing.last_edge);
}

TEST_CASE("a glitch on a quiet line counts nothing", "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  for (int i = 0; i < 100; ++i) {
    filter.take(line.edge(50ms));
    filter.take(line.edge(5us));
  }
  const MeterReading reading = filter.drain(line.now() + 1s);
  CHECK(reading.edges == 0);
  CHECK(reading.rejected == 200);
  CHECK(reading.out_of_turn == 0);
}

TEST_CASE("while edges still wait in the kernel nothing is known of the newest one",
          "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  filter.take(line.edge(1s));
  CHECK(filter.drain(SinceBoot::min()).edges == 0);
  filter.take(line.edge(20us));
  filter.take(line.edge(10ms));
  const MeterReading reading = filter.drain(line.now() + 1s);
  CHECK(reading.edges == 1);
  CHECK(reading.rejected == 2);
}

TEST_CASE("an edge that bounces counts once", "[edge_filter]") {
  for (const int bounces : {2, 4, 6, 20}) {
    Line line;
    EdgeFilter filter{shortest};
    for (int i = 0; i < 100; ++i) {
      filter.take(line.edge(2ms));
      for (int bounce = 0; bounce < bounces; ++bounce) filter.take(line.edge(10us));
    }
    const MeterReading reading = filter.drain(line.now() + 1s);
    CHECK(reading.edges == 100);
    CHECK(reading.rejected == 100 * bounces);
    CHECK(reading.out_of_turn == 0);
  }
}

TEST_CASE("two edges exactly the shortest interval apart both count", "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  filter.take(line.edge(1ms));
  filter.take(line.edge(shortest));
  filter.take(line.edge(1ms));
  filter.take(line.edge(shortest - 1ns));
  const MeterReading reading = filter.drain(line.now() + 1s);
  CHECK(reading.edges == 2);
  CHECK(reading.rejected == 2);
}

TEST_CASE("a gap in the numbers counts as the edges the kernel dropped", "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  filter.take(line.edge(1ms));
  line.drop(1951, 1ms);
  filter.take(line.edge(1ms));
  const MeterReading reading = filter.drain(line.now() + 1s);
  CHECK(reading.edges == 1953);
  CHECK(reading.edges_lost == 1951);
  CHECK(reading.rejected == 0);
  CHECK(reading.out_of_turn == 0);
}

TEST_CASE("edges dropped before the first one was read count as well", "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  line.drop(500, 1ms);
  filter.take(line.edge(1ms));
  const MeterReading reading = filter.drain(line.now() + 1s);
  CHECK(reading.edges == 501);
  CHECK(reading.edges_lost == 500);
}

TEST_CASE("a gap counts no more edges than fit into its time", "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  filter.take(line.edge(1ms));
  line.drop(10'000, 1us);  // 10 ms of noise: at most 50 edges of a real meter.
  filter.take(line.edge(1us));
  const MeterReading reading = filter.drain(line.now() + 1s);
  CHECK(reading.edges_lost == 50);
  CHECK(reading.edges == 52);
  CHECK(reading.rejected == 9'950);
}

TEST_CASE("what the kernel dropped of a line that bounces counts as what it did not drop",
          "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  const auto bounce = [&] {
    for (int i = 0; i < 4; ++i) filter.take(line.edge(5us));
  };
  for (int i = 0; i < 400; ++i) {
    filter.take(line.edge(1ms));
    bounce();
  }
  static_cast<void>(filter.drain(line.now() + 1s));
  line.drop(500, 1ms);  // 100 edges of the meter, each with four bounces.
  filter.take(line.edge(1ms));
  const MeterReading reading = filter.drain(line.now() + 1s);
  CHECK(reading.edges_lost >= 95);
  CHECK(reading.edges_lost <= 105);
  CHECK(reading.edges == reading.edges_lost + 1);
  CHECK(reading.rejected == 500 - reading.edges_lost);

  // The contact was cleaned: after so many good edges a gap counts in full again.
  for (int i = 0; i < 20'000; ++i) filter.take(line.edge(1ms));
  static_cast<void>(filter.drain(line.now() + 1s));
  line.drop(100, 1ms);
  filter.take(line.edge(1ms));
  CHECK(filter.drain(line.now() + 1s).edges_lost == 100);
}

// Found by the simulator: a board that was busy when a pour began had nothing to go by yet.
TEST_CASE("what the kernel dropped first of all counts as what came after it", "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  line.drop(500, 1ms);
  for (int i = 0; i < 25; ++i) {
    filter.take(line.edge(1ms));
    for (int bounce = 0; bounce < 4; ++bounce) filter.take(line.edge(5us));
  }
  const MeterReading reading = filter.drain(line.now() + 1s);
  CHECK(reading.edges_lost >= 95);
  CHECK(reading.edges_lost <= 105);
  CHECK(reading.edges == reading.edges_lost + 25);
}

TEST_CASE("an edge that comes twice or late counts once", "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  const Edge first = line.edge(1ms);
  const Edge second = line.edge(1ms);
  for (const Edge& edge : {first, first, second, first, second}) filter.take(edge);
  filter.take({.rising = true, .stamp = line.now() + 5ms, .line_seqno = 0});
  const MeterReading reading = filter.drain(line.now() + 1s);
  CHECK(reading.edges == 2);
  CHECK(reading.rejected == 4);
}

TEST_CASE("numbers wrap at 32 bits without a gap", "[edge_filter]") {
  EdgeFilter filter{shortest};
  filter.take({.rising = true, .stamp = 1h, .line_seqno = 0x7FFF'FFFFU});
  filter.take({.rising = false, .stamp = 1h + 400'000s, .line_seqno = 0xFFFF'FFFEU});
  static_cast<void>(filter.drain(1h + 400'001s));
  filter.take({.rising = true, .stamp = 1h + 400'002s, .line_seqno = 0xFFFF'FFFFU});
  filter.take({.rising = false, .stamp = 1h + 400'003s, .line_seqno = 0x1'0000'0000U});
  filter.take({.rising = true, .stamp = 1h + 400'004s, .line_seqno = 1});
  const MeterReading reading = filter.drain(1h + 400'005s);
  CHECK(reading.edges == 3);
  CHECK(reading.edges_lost == 0);
  CHECK(reading.rejected == 0);
}

TEST_CASE("time that goes back loses no edge and does not move the last one back",
          "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  for (int i = 0; i < 10; ++i) filter.take(line.edge(1ms));
  const SinceBoot newest = line.now();
  for (int i = 0; i < 10; ++i) filter.take(line.edge(i == 0 ? -1h : 1ms));
  const MeterReading reading = filter.drain(newest);
  CHECK(reading.edges == 20);
  CHECK(reading.rejected == 0);
  CHECK(reading.last_edge == newest);
}

TEST_CASE("two edges of one kind in a row are out of turn, and still count", "[edge_filter]") {
  Line line;
  EdgeFilter filter{shortest};
  filter.take(line.edge(1ms));
  filter.take(line.mislabelled(1ms));
  filter.take(line.edge(1ms));
  const MeterReading reading = filter.drain(line.now() + 1s);
  CHECK(reading.edges == 3);
  CHECK(reading.out_of_turn == 2);
}

TEST_CASE("after a gap any kind of edge is in turn", "[edge_filter]") {
  for (const std::uint32_t gap : {1U, 2U}) {
    Line line;
    EdgeFilter filter{shortest};
    filter.take(line.edge(1ms));
    line.drop(gap, 1ms);
    filter.take(line.edge(1ms));
    CHECK(filter.drain(line.now() + 1s).out_of_turn == 0);
  }
}

TEST_CASE("a filter of zero lets everything through", "[edge_filter]") {
  for (const auto interval : {0ns, -5ns}) {
    Line line;
    EdgeFilter filter{interval};
    for (int i = 0; i < 100; ++i) filter.take(line.edge(1ns));
    CHECK(filter.drain(line.now()).edges == 100);
  }
}

// A meter that pulses with any duty above the filter, glitches and bounces below it, a kernel
// buffer that overflows, and a reader that drains when it likes: not an edge more, not one less.
TEST_CASE("the count is exact for any pulses and drains with bounces or with losses",
          "[edge_filter]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    const bool bounces = seed % 2 == 0;
    std::mt19937_64 random{seed};
    const auto up_to = [&](std::int64_t most) {
      return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most + 1));
    };
    Line line;
    EdgeFilter filter{shortest};
    std::int64_t real = 0;
    std::int64_t noise = 0;
    std::int64_t counted = 0;
    std::int64_t rejected = 0;
    const auto drain = [&](SinceBoot at) {
      const MeterReading reading = filter.drain(at);
      counted += reading.edges;
      rejected += reading.rejected;
      REQUIRE(reading.edges >= reading.edges_lost);
      REQUIRE(reading.out_of_turn == 0);
    };
    for (int i = 0; i < 400; ++i) {
      filter.take(line.edge(std::chrono::nanoseconds{220'000 + up_to(3'000'000)}));
      ++real;
      if (bounces && up_to(9) == 0) {
        const std::int64_t pairs = 1 + up_to(3);
        for (std::int64_t pair = 0; pair < 2 * pairs; ++pair) filter.take(line.edge(1us));
        noise += 2 * pairs;
      } else if (!bounces && i < 399 && up_to(29) == 0) {  // A later edge shows the gap.
        const auto lost = static_cast<std::uint32_t>(up_to(2000));
        line.drop(lost, 250us);
        real += lost;
      }
      if (up_to(4) == 0) drain(line.now() + std::chrono::nanoseconds{up_to(210'000)});
    }
    drain(line.now() + 1s);
    REQUIRE(counted == real);
    REQUIRE(rejected == noise);
  }
}

// Rubbish in any order: nothing is counted that the kernel did not number.
TEST_CASE("no sequence of edges counts more than the kernel numbered", "[edge_filter]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    EdgeFilter filter{shortest};
    std::uint32_t highest = 0;
    std::int64_t counted = 0;
    std::optional<SinceBoot> last_edge;
    for (int i = 0; i < 300; ++i) {
      const auto seqno = static_cast<std::uint32_t>(random() % 1000);
      highest = std::max(highest, seqno);
      const SinceBoot stamp{static_cast<std::int64_t>(random() % 1'000'000'000)};
      filter.take({.rising = random() % 2 == 0, .stamp = stamp, .line_seqno = seqno});
      const MeterReading reading =
          filter.drain(SinceBoot{static_cast<std::int64_t>(random() % 1'000'000'000)});
      counted += reading.edges;
      REQUIRE(reading.edges >= 0);
      REQUIRE(reading.rejected >= 0);
      REQUIRE(counted <= highest);
      if (reading.last_edge && last_edge) REQUIRE(*reading.last_edge >= *last_edge);
      if (reading.last_edge) last_edge = reading.last_edge;
    }
  }
}

}  // namespace
}  // namespace tapd::drivers
