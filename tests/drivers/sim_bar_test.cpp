#include "drivers/sim/bar.hpp"

#include <poll.h>
#include <sys/timerfd.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <thread>

#include "tests/drivers/set_clock.hpp"

namespace tapd::drivers::sim {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::WithinAbs;

const Uid anna{.bytes = {0x04, 0xAB, 0x78, 0x15, 0xCD, 0x6B, 0x80}, .size = 7};
const Uid bert{.bytes = {0x11, 2, 3, 4}, .size = 4};

BarPlan one_tap() {
  BarPlan plan;
  plan.taps.resize(1);
  return plan;
}

/// A bar of one tap and what the daemon would hold of it.
struct Bench {
  explicit Bench(const BarPlan& plan = one_tap(), SinceBoot start = 1h)
      : clock{start}, bar{plan, clock} {}

  void command(const std::string& line) {
    const auto command = parse_command(line);
    INFO(line);
    REQUIRE(command);
    REQUIRE(bar.apply(*command));
  }
  /// Reads every 10 ms, as a loop does that is woken by edges, and adds up.
  MeterReading run(std::chrono::nanoseconds duration) {
    MeterReading sum;
    for (auto left = duration; left > 0ns; left -= 10ms) {
      clock.pass(std::min<std::chrono::nanoseconds>(left, 10ms));
      const MeterReading reading = meter->read(clock.now());
      sum.edges += reading.edges;
      sum.edges_lost += reading.edges_lost;
      sum.rejected += reading.rejected;
      sum.out_of_turn += reading.out_of_turn;
      if (reading.last_edge) sum.last_edge = reading.last_edge;
    }
    return sum;
  }
  [[nodiscard]] Look look() { return reader->look(clock.now()); }
  /// When the meter's descriptor becomes readable, as far from now as the timer says; zero: never.
  [[nodiscard]] std::chrono::nanoseconds timer() const {
    itimerspec when{};
    REQUIRE(::timerfd_gettime(meter->descriptor(), &when) == 0);
    return std::chrono::seconds{when.it_value.tv_sec} +
           std::chrono::nanoseconds{when.it_value.tv_nsec};
  }

  SetClock clock;
  SimBar bar;
  std::unique_ptr<Valve> valve{bar.valve(0)};
  std::unique_ptr<FlowMeter> meter{bar.meter(0)};
  std::unique_ptr<CardReader> reader{bar.reader(0)};
};

TEST_CASE("a guest pours: card, valve, beer, and the meter tells the truth", "[sim][bar]") {
  Bench bench;
  CHECK(std::holds_alternative<NobodyThere>(bench.look()));
  CHECK(bench.run(10s).edges == 0);

  bench.command("card 1 04ab7815cd6b80");
  REQUIRE(std::holds_alternative<CardSeen>(bench.look()));
  CHECK(std::get<CardSeen>(bench.look()).uid == anna);
  CHECK(bench.run(10s).edges == 0);

  REQUIRE(bench.valve->open());
  MeterReading reading = bench.run(5s);
  CHECK_THAT(static_cast<double>(bench.bar.truth(0).passed_ul), WithinAbs(60'000 * 4.975, 2));
  CHECK(reading.edges_lost == 0);
  CHECK(reading.out_of_turn == 0);
  REQUIRE(reading.last_edge);
  CHECK(*reading.last_edge <= bench.clock.now());
  CHECK(*reading.last_edge > bench.clock.now() - 5ms);

  REQUIRE(bench.valve->shut());
  const MeterReading tail = bench.run(10s);
  CHECK(tail.edges > 10);
  const double ml = static_cast<double>(bench.bar.truth(0).passed_ul) / 1000;
  const auto edges = static_cast<double>(reading.edges + tail.edges);
  // The impeller runs on for less than two pulses.
  CHECK_THAT(edges / 2, WithinAbs(ml * 5.6 + 1, 2));
  CHECK(bench.run(10s).edges == 0);
}

TEST_CASE("the hand pulls while one card lies there, unless it is told", "[sim][bar]") {
  Bench bench;
  REQUIRE(bench.valve->open());
  const auto pours = [&] { return bench.run(1s).edges > 0; };
  bench.run(1s);
  CHECK_FALSE(pours());
  bench.command("card 1 04ab7815cd6b80");
  CHECK(pours());
  bench.command("handle 1 0");
  bench.run(1s);
  CHECK_FALSE(pours());
  bench.command("handle 1 auto");
  CHECK(pours());
  bench.command("card 1 none");
  bench.run(1s);
  CHECK_FALSE(pours());
  bench.command("handle 1 120");
  const auto before = bench.bar.truth(0).passed_ul;
  bench.run(1s);
  CHECK(bench.bar.truth(0).passed_ul == before + 120'000);
  bench.command("handle 1 auto");
  bench.command("two-cards 1 04ab7815cd6b80 11020304");
  bench.run(1s);
  CHECK_FALSE(pours());
}

TEST_CASE("a hand that does not pull by itself waits to be told", "[sim][bar]") {
  BarPlan plan = one_tap();
  plan.taps[0].pulls_with_card = false;
  Bench bench{plan};
  bench.command("card 1 04ab7815cd6b80");
  REQUIRE(bench.valve->open());
  CHECK(bench.run(10s).edges == 0);
  bench.command("handle 1 60");
  CHECK(bench.run(1s).edges > 0);
}

TEST_CASE("a simulated valve is shut when it is made and when it is destroyed", "[sim][bar]") {
  Bench bench;
  bench.command("handle 1 60");
  REQUIRE(bench.valve->open());
  bench.run(1s);
  bench.valve.reset();
  bench.run(2s);
  CHECK(bench.run(1h).edges == 0);
  CHECK(bench.bar.truth(0).after_shut_ul > 0);

  bench.valve = bench.bar.valve(0);
  REQUIRE(bench.valve->open());
  bench.run(1s);
  const auto second = bench.bar.valve(0);
  bench.run(2s);
  CHECK(bench.run(1h).edges == 0);
  CHECK(bench.bar.truth(0).valve_opens == 2);
}

TEST_CASE("the reader sees what lies there", "[sim][bar]") {
  Bench bench;
  bench.command("card 1 11020304");
  CHECK(std::get<CardSeen>(bench.look()).uid == bert);
  bench.command("two-cards 1 04ab7815cd6b80 11020304");
  CHECK(std::holds_alternative<SeveralCards>(bench.look()));
  bench.command("card 1 08020304");  // A phone: a random UID.
  CHECK_FALSE(std::get<UnusableCard>(bench.look()).why.empty());

  bench.command("reader 1 bad-check");
  CHECK(std::holds_alternative<Garbled>(bench.look()));
  bench.command("card 1 none");
  CHECK(std::holds_alternative<NobodyThere>(bench.look()));
  bench.command("reader 1 hang");
  CHECK_THAT(std::get<ReaderTrouble>(bench.look()).what, ContainsSubstring("tap 1"));
  bench.command("reader 1 ok");
  CHECK(std::holds_alternative<NobodyThere>(bench.look()));
}

TEST_CASE("a flickering card is silent and garbled at the rates it is told", "[sim][bar]") {
  BarPlan plan = one_tap();
  plan.taps[0].reader.silence_rate = 1;
  Bench bench{plan};
  bench.command("card 1 04ab7815cd6b80");
  CHECK(std::holds_alternative<NobodyThere>(bench.look()));
  bench.command("flicker 1 0.1 0.05");
  constexpr int looks = 20'000;
  int silent = 0;
  int garbled = 0;
  for (int i = 0; i < looks; ++i) {
    const Look look = bench.look();
    if (std::holds_alternative<NobodyThere>(look)) ++silent;
    if (std::holds_alternative<Garbled>(look)) ++garbled;
  }
  CHECK_THAT(silent, WithinAbs(0.10 * looks, 0.01 * looks));
  CHECK_THAT(garbled, WithinAbs(0.05 * looks, 0.01 * looks));
}

TEST_CASE("edges that nobody reads overflow as the kernel's do: counted, and told", "[sim][bar]") {
  Bench bench;
  bench.command("handle 1 200");
  REQUIRE(bench.valve->open());
  bench.run(1s);
  bench.clock.pass(400ms);
  CHECK(bench.meter->read(bench.clock.now()).edges_lost == 0);
  const std::int64_t before = bench.bar.truth(0).edges;
  bench.clock.pass(5s);
  const std::int64_t waiting = bench.bar.truth(0).edges - before;
  REQUIRE(waiting > 12'000);
  const MeterReading reading = bench.meter->read(bench.clock.now());
  CHECK(reading.edges_lost > 10'000);
  CHECK_THAT(static_cast<double>(reading.edges + reading.rejected),
             WithinAbs(static_cast<double>(waiting), 2));
  CHECK(bench.run(1ms).edges <= 4);
}

TEST_CASE("a reading knows nothing of what comes after it", "[sim][bar]") {
  Bench bench;
  bench.command("handle 1 60");
  REQUIRE(bench.valve->open());
  bench.run(1s);
  const SinceBoot middle = bench.clock.now() + 500ms;
  bench.clock.pass(1s);
  const Truth whole = bench.bar.truth(0);  // Brings the tap up to the clock.
  const MeterReading early = bench.meter->read(middle);
  REQUIRE(early.last_edge);
  CHECK(*early.last_edge <= middle);
  CHECK_THAT(static_cast<double>(early.edges), WithinAbs(30 * 5.6 * 2, 20));
  const MeterReading late = bench.meter->read(bench.clock.now());
  CHECK_THAT(static_cast<double>(late.edges), WithinAbs(30 * 5.6 * 2, 20));
  CHECK(bench.bar.truth(0) == whole);
}

// The clock is set an hour ahead of the kernel's, so that nothing becomes due while this runs.
TEST_CASE("the meter's descriptor is armed for the next edge", "[sim][bar]") {
  const SinceBoot start = since_boot_now() + 1h;
  BarPlan plan = one_tap();
  Bench bench{plan, start};
  CHECK(bench.timer() == 0ns);
  bench.command("handle 1 60");
  CHECK(bench.timer() == 0ns);

  REQUIRE(bench.valve->open());
  const auto slack = 5s;  // What this test may take.
  CHECK(bench.timer() > 1h - slack);
  CHECK(bench.timer() <= 1h + 1s);
  bench.run(1s);
  CHECK(bench.timer() > 1h + 1s - slack);
  REQUIRE(bench.valve->shut());
  bench.run(10s);
  CHECK(bench.timer() == 0ns);
  bench.command("meter 1 noise 1");
  CHECK(bench.timer() > 1h + 11s - slack);
}

TEST_CASE("a wake grain puts waking off to so long after a read", "[sim][bar]") {
  const SinceBoot start = since_boot_now() + 1h;
  BarPlan plan = one_tap();
  plan.wake_grain = 10s;
  Bench bench{plan, start};
  bench.command("handle 1 60");
  REQUIRE(bench.valve->open());
  bench.run(1s);
  CHECK(bench.timer() > 1h + 5s);
}

TEST_CASE("commands reach the tap that bears their number", "[sim][bar]") {
  BarPlan plan;
  plan.taps.resize(3);
  plan.taps[1].number = 17;
  SetClock clock;
  SimBar bar{plan, clock};
  REQUIRE(bar.taps() == 3);
  REQUIRE(bar.apply({17, LayCard{anna}}));
  REQUIRE(bar.apply({3, LayCard{bert}}));
  CHECK(std::holds_alternative<NobodyThere>(bar.reader(0)->look(clock.now())));
  CHECK(std::get<CardSeen>(bar.reader(1)->look(clock.now())).uid == anna);
  CHECK(std::get<CardSeen>(bar.reader(2)->look(clock.now())).uid == bert);
  const auto refused = bar.apply({2, LayCard{anna}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == "there is no simulated tap 2");
  CHECK_THAT(bar.meter(1)->describe(), ContainsSubstring("tap 17"));
  CHECK_THROWS_AS(bar.meter(3), std::out_of_range);

  bar.indicator(1)->show(Signal::pouring, 0ns);
  CHECK(bar.shown(1) == Signal::pouring);
  CHECK(bar.shown(0) == Signal::off);
}

TEST_CASE("taps of one bar live lives of their own", "[sim][bar]") {
  BarPlan plan;
  plan.taps.resize(2);
  SetClock clock;
  SimBar bar{plan, clock};
  std::array meters{bar.meter(0), bar.meter(1)};
  std::array valves{bar.valve(0), bar.valve(1)};
  for (std::size_t tap = 0; tap < 2; ++tap) {
    REQUIRE(bar.apply({static_cast<std::int64_t>(tap) + 1, PullHandle{60}}));
    REQUIRE(valves.at(tap)->open());
  }
  clock.pass(1s);
  const auto first = meters[0]->read(clock.now()).last_edge;
  const auto second = meters[1]->read(clock.now()).last_edge;
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first != *second);  // Another seed.
  CHECK(bar.truth(0).passed_ul == bar.truth(1).passed_ul);
}

TEST_CASE("with the kernel's clock the descriptor wakes a poller for each edge", "[sim][live]") {
  const SystemClock clock;
  SimBar bar{one_tap(), clock};
  const auto meter = bar.meter(0);
  const auto valve = bar.valve(0);
  REQUIRE(bar.apply({1, PullHandle{200}}));
  REQUIRE(valve->open());
  const SinceBoot deadline = since_boot_now() + 10s;
  std::int64_t edges = 0;
  std::int64_t wakes = 0;
  SinceBoot last{};
  pollfd waiting{.fd = meter->descriptor(), .events = POLLIN, .revents = 0};
  while (edges < 300 && since_boot_now() < deadline) {
    REQUIRE(::poll(&waiting, 1, 5'000) == 1);
    const SinceBoot now = since_boot_now();
    const MeterReading reading = meter->read(now);
    REQUIRE(reading.last_edge.value_or(last) >= last);
    last = reading.last_edge.value_or(last);
    edges += reading.edges;
    ++wakes;
  }
  CHECK(edges >= 300);
  CHECK(wakes <= bar.truth(0).edges);
  CHECK(bar.truth(0).passed_ul > 20'000);
}

TEST_CASE("control, reader and command threads share a tap", "[sim][live]") {
  const SystemClock clock;
  SimBar bar{one_tap(), clock};
  std::atomic<bool> stop{false};
  std::atomic<int> looks{0};
  std::jthread looking{[&, reader = bar.reader(0)] {
    while (!stop) {
      static_cast<void>(reader->look(since_boot_now()));
      ++looks;
    }
  }};
  std::jthread commanding{[&] {
    for (int i = 0; !stop; ++i) {
      static_cast<void>(bar.apply({1, PullHandle{static_cast<double>(i % 200)}}));
      static_cast<void>(bar.apply({1, LayCard{i % 2 == 0 ? anna : bert}}));
      static_cast<void>(bar.truth(0));
      static_cast<void>(bar.shown(0));
    }
  }};
  const auto meter = bar.meter(0);
  const auto valve = bar.valve(0);
  const auto indicator = bar.indicator(0);
  std::int64_t edges = 0;
  constexpr int rounds = 2'000;
  const SinceBoot deadline = since_boot_now() + 60s;  // For a machine that is very busy.
  bool refused = false;
  for (int i = 0; since_boot_now() < deadline; ++i) {
    if (i >= rounds && looks >= rounds && edges > 0) break;
    refused = refused || !(i % 1024 < 1000 ? valve->open() : valve->shut());
    edges += meter->read(since_boot_now()).edges;
    indicator->show(Signal::pouring, 0ns);
  }
  stop = true;
  CHECK_FALSE(refused);
  CHECK(looks >= rounds);
  CHECK(edges > 0);
}

}  // namespace
}  // namespace tapd::drivers::sim
