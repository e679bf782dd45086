// What a tap has closed by itself, over a start or a reload.
#include "daemon/core/own_closings.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "controller_fixture.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

std::size_t times_kept(const ControllerFixture& tap) {
  return static_cast<std::size_t>(std::count_if(
      tap.asked.begin(), tap.asked.end(),
      [](const StorageRequest& request) { return std::holds_alternative<KeepClosings>(request); }));
}

/// A card, and not a pulse for as long as the tap waits for one.
void pour_nothing(ControllerFixture& tap) {
  tap.to_ready();
  tap.pass(16s);
  tap.pass(1s);
  tap.card_leaves();
  tap.controller.on_storage(EndRowDone{.tap = model::TapId{1},
                                       .client_tx_id = tap.newest<EndRow>().end.last.client_tx_id,
                                       .result = model::Pour{}},
                            tap.now);
  tap.pass(1s);
}

World world_with(const std::string& keg) {
  World world;
  world.taps.push_back({.id = model::TapId{1}, .keg_id = model::KegId{keg}, .display_name = {}});
  return world;
}

}  // namespace

TEST_CASE("what a tap closed by itself is read as it was written", "[closings]") {
  OwnClosings closed;
  CHECK(to_text(closed).empty());
  closed.keg = model::KegId{"k-1"};
  CHECK(to_text(closed).empty());  // The keg alone closes nothing.
  closed.locks = {{LockReason::silent, "open for 60 s: no pulse"},
                  {LockReason::keg_empty, "gas\nand froth"}};
  closed.faults = {{FaultKind::noise, "a storm"}, {FaultKind::stuck_valve, ""}};
  const OwnClosings read = parse_own_closings(to_text(closed));
  CHECK(read.locks.at(LockReason::silent) == "open for 60 s: no pulse");
  CHECK(read.locks.at(LockReason::keg_empty) == "gas and froth");
  CHECK(read.faults == closed.faults);
  CHECK(read.keg == closed.keg);
}

TEST_CASE("a note that makes no sense closes nothing, nor does one of something else",
          "[closings]") {
  const auto* text =
      GENERATE("", "\n\n", "silent", "emergency_stop: x\nvalve: y\n", ": ", "silent:x\n\xff");
  const OwnClosings read = parse_own_closings(text);
  CHECK(read.locks.empty());
  CHECK(read.faults.empty());
}

// Found by reading: each start forgot it, and a dead meter gave another minute of free beer.
TEST_CASE("what a tap closed by itself stays closed after a start and a reload", "[closings]") {
  ControllerFixture before;
  while (before.state() == TapState::idle) pour_nothing(before);
  REQUIRE(before.state() == TapState::locked);
  const std::string kept = before.newest<KeepClosings>().closings;
  CHECK_THAT(kept, ContainsSubstring("silent: "));
  CHECK(times_kept(before) == 1);

  ControllerFixture after{{}, kept};
  CHECK(after.state() == TapState::locked);
  CHECK_THAT(after.controller.session(0).view().reason, ContainsSubstring("silent: "));
  for (int second = 0; second < 5; ++second) after.pass(1s);
  CHECK(times_kept(after) == 0);
  REQUIRE(after.controller.clear(model::TapId{1}, after.now));
  CHECK(after.state() == TapState::idle);
  CHECK(after.newest<KeepClosings>().closings.empty());
}

TEST_CASE("a note of what is closed that failed is written again until it is", "[closings]") {
  ControllerFixture tap{{}, "silent: no pulse\n"};
  REQUIRE(tap.controller.clear(model::TapId{1}, tap.now));
  REQUIRE(times_kept(tap) == 1);
  const auto answer = [&tap](storage::Result<> result) {
    tap.controller.on_storage(
        ClosingsKept{.tap = model::TapId{1}, .closings = "", .result = std::move(result)}, tap.now);
  };
  answer(tl::unexpected(storage::Error{.kind = storage::Error::Kind::full, .message = "full"}));
  tap.pass(500ms);
  CHECK(times_kept(tap) == 1);
  tap.pass(600ms);
  CHECK(times_kept(tap) == 2);
  answer({});
  for (int second = 0; second < 5; ++second) tap.pass(1s);
  CHECK(times_kept(tap) == 2);
}

TEST_CASE("another keg lifts the empty one of before the start, and the same does not",
          "[closings]") {
  ControllerFixture tap{{}, "keg_empty: gas came\nkeg: k-1\n"};
  REQUIRE(tap.state() == TapState::locked);
  tap.controller.on_storage(WorldRead{.result = world_with("k-1")}, tap.now);
  CHECK(tap.state() == TapState::locked);
  CHECK(times_kept(tap) == 0);
  tap.controller.on_storage(WorldRead{.result = world_with("k-2")}, tap.now);
  CHECK(tap.state() == TapState::idle);
  CHECK(tap.newest<KeepClosings>().closings.empty());
}

TEST_CASE("nobody listens to a meter that stormed before the start, until somebody has looked",
          "[closings]") {
  ControllerFixture tap{{}, "noise: a storm\nstuck_valve: it ran on\n"};
  CHECK(tap.state() == TapState::faulted);
  CHECK_FALSE(tap.meter.listening);
  REQUIRE(tap.controller.clear(model::TapId{1}, tap.now));
  CHECK(tap.meter.listening);
  CHECK(tap.state() == TapState::idle);
}

}  // namespace tapd::test
