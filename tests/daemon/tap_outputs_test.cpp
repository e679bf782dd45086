// What guards a valve when the session that holds it open is wrong.
#include "daemon/tap_outputs.hpp"

#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

class FakeValve final : public drivers::Valve {
 public:
  tl::expected<void, std::string> open() override {
    if (opens_badly) return tl::unexpected<std::string>{"driven open but the pin reads shut"};
    is_open = true;
    return {};
  }
  tl::expected<void, std::string> shut() override {
    ++shuts;
    if (shuts_badly) return tl::unexpected<std::string>{"driven shut but the pin reads open"};
    is_open = false;
    return {};
  }
  std::string describe() const override { return "GPIO22"; }
  bool is_open{false};
  bool opens_badly{false};
  bool shuts_badly{false};
  int shuts{0};
};

/// A line whose edges are kept; shared with the test.
struct Pulses {
  std::vector<bool> levels;
  bool gone{false};
};
class FakeLine final : public drivers::OutputLine {
 public:
  explicit FakeLine(Pulses& pulses) : pulses_{&pulses} {}
  tl::expected<void, std::string> drive(bool on) override {
    if (pulses_->gone) return tl::unexpected<std::string>{"No such device"};
    pulses_->levels.push_back(on);
    return {};
  }
  tl::expected<bool, std::string> read() override { return pulses_->levels.back(); }
  std::string describe() const override { return "GPIO23"; }

 private:
  Pulses* pulses_;
};

struct Fixture {
  FakeValve valve;
  Pulses pulses;
  drivers::KeepAlive keep_alive{std::make_unique<FakeLine>(pulses), 20};
  TapOutputs outputs{{.valve = &valve, .keep_alive = &keep_alive, .indicator = nullptr}, 180s};
};

}  // namespace

TEST_CASE("a valve that a session forgets is shut a second after its longest time", "[outputs]") {
  Fixture tap;
  REQUIRE(tap.outputs.open(10s));
  for (auto now = 10s; now < 191s; now += 1s) REQUIRE(tap.outputs.tick(now));
  CHECK(tap.valve.is_open);
  const auto fault = tap.outputs.tick(191s);
  REQUIRE_FALSE(fault);
  CHECK_THAT(fault.error(), ContainsSubstring("GPIO22 was still open after 181 s"));
  CHECK_FALSE(tap.valve.is_open);
  CHECK(tap.outputs.tick(192s));  // told once
}

TEST_CASE("nothing lengthens the time that a valve is open", "[outputs]") {
  Fixture tap;
  REQUIRE(tap.outputs.open(10s));
  REQUIRE(tap.outputs.open(100s));
  REQUIRE(tap.outputs.open(190s));
  CHECK_FALSE(tap.outputs.tick(191s));
  CHECK_FALSE(tap.valve.is_open);
}

TEST_CASE("the next opening has its own time", "[outputs]") {
  Fixture tap;
  REQUIRE(tap.outputs.open(10s));
  REQUIRE(tap.outputs.shut(100s));
  REQUIRE(tap.outputs.open(150s));
  CHECK(tap.outputs.tick(300s));
  CHECK(tap.valve.is_open);
  CHECK_FALSE(tap.outputs.tick(331s));
}

TEST_CASE("a valve that does not shut is shut again and again until it does", "[outputs]") {
  Fixture tap;
  REQUIRE(tap.outputs.open(10s));
  tap.valve.shuts_badly = true;
  CHECK_FALSE(tap.outputs.shut(20s));
  CHECK(tap.outputs.wake_at() == 21s);
  CHECK_FALSE(tap.outputs.tick(21s));
  CHECK_FALSE(tap.outputs.tick(22s));
  tap.valve.shuts_badly = false;
  CHECK(tap.outputs.tick(23s));
  CHECK(tap.valve.shuts == 4);
  CHECK_FALSE(tap.outputs.wake_at());
}

TEST_CASE("a valve that does not shut gets no pulse for its one-shot", "[outputs]") {
  Fixture tap;
  REQUIRE(tap.outputs.open(10s));
  tap.valve.shuts_badly = true;
  REQUIRE_FALSE(tap.outputs.shut(20s));
  const auto edges = tap.pulses.levels.size();
  CHECK_FALSE(tap.pulses.levels.back());
  for (auto now = 20s; now < 30s; now += 1s) static_cast<void>(tap.outputs.tick(now));
  CHECK(tap.pulses.levels.size() == edges);
}

TEST_CASE("lines that are taken anew leave the valve shut, and what is not back is told",
          "[outputs]") {
  Fixture tap;
  REQUIRE(tap.outputs.open(10s));
  tap.pulses.gone = true;
  CHECK_FALSE(tap.outputs.shut(11s));
  CHECK_THAT(tap.outputs.retake(12s).error(), ContainsSubstring("its keep-alive: No such device"));
  CHECK(tap.outputs.wake_at());  // goes on trying
  tap.pulses.gone = false;
  REQUIRE(tap.outputs.retake(13s));
  CHECK_FALSE(tap.valve.is_open);
  CHECK_FALSE(tap.pulses.levels.back());
  CHECK_FALSE(tap.outputs.wake_at());
  REQUIRE(tap.outputs.open(14s));
  CHECK(tap.pulses.levels.back());
  CHECK(tap.outputs.wake_at() > 14s);
}

TEST_CASE("a valve that does not open is told to shut and counts as shut", "[outputs]") {
  Fixture tap;
  tap.valve.opens_badly = true;
  const auto opened = tap.outputs.open(10s);
  REQUIRE_FALSE(opened);
  CHECK_THAT(opened.error(), ContainsSubstring("pin reads shut"));
  CHECK(tap.valve.shuts == 1);
  CHECK_FALSE(tap.outputs.wake_at());
  CHECK(tap.pulses.levels == std::vector{false});
}

TEST_CASE("pulses come while the valve is open, at their time, and end with it", "[outputs]") {
  Fixture tap;
  CHECK_FALSE(tap.outputs.wake_at());
  REQUIRE(tap.outputs.open(10s));
  CHECK(tap.pulses.levels == std::vector{true});
  CHECK(tap.outputs.wake_at() == 10'025ms);
  REQUIRE(tap.outputs.tick(10'025ms));
  REQUIRE(tap.outputs.tick(10'050ms));
  CHECK(tap.pulses.levels == std::vector{true, false, true});
  REQUIRE(tap.outputs.shut(10'060ms));
  CHECK_FALSE(tap.pulses.levels.back());
  CHECK_FALSE(tap.outputs.wake_at());
}

TEST_CASE("a keep-alive line that was never there is told by the first shut, and not by a guest",
          "[outputs]") {
  Fixture tap;
  tap.pulses.gone = true;
  const auto shut = tap.outputs.shut(10s);
  REQUIRE_FALSE(shut);
  CHECK_THAT(shut.error(), ContainsSubstring("its keep-alive: No such device"));
}

TEST_CASE("a keep-alive line that is gone shuts the valve by hand, and says so", "[outputs]") {
  Fixture tap;
  REQUIRE(tap.outputs.open(10s));
  tap.pulses.gone = true;
  const auto fault = tap.outputs.tick(10'025ms);
  REQUIRE_FALSE(fault);
  CHECK_THAT(fault.error(), ContainsSubstring("keep-alive: No such device"));
  CHECK_FALSE(tap.valve.is_open);
}

}  // namespace tapd::test
