#include "daemon/kill_check.hpp"

#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

namespace tapd::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using drivers::KillOutcome;
using drivers::KillSafety;

const KillSafety towards_shut{.outcome = KillOutcome::released, .what = "pull down"};
const KillSafety towards_open{.outcome = KillOutcome::kept, .what = "pull up"};
const KillSafety no_pull{.outcome = KillOutcome::unknown, .what = "no pull"};

ValveFate fate(KillOutcome controller, const char* what, const KillSafety& pull = towards_shut) {
  return {.controller = {.outcome = controller, .what = what}, .pull = pull};
}
const ValveFate released = fate(KillOutcome::released, "given back");
const ValveFate kept = fate(KillOutcome::kept, "put dtparam=strict_gpiod");
const ValveFate unknown = fate(KillOutcome::unknown, "not told");

}  // namespace

TEST_CASE("a machine where a kill shuts the valves sells, whatever is required", "[kill-check]") {
  const std::vector chips{released, released};
  for (const bool required : {false, true}) {
    const KillVerdict verdict = judge_kill(chips, required);
    CHECK(verdict.level == Level::info);
    CHECK(verdict.line == "a kill shuts every valve: given back; pull down");
    CHECK(verdict.unsafe.empty());
  }
}

TEST_CASE("the worst chip decides, and warns where nothing is required", "[kill-check]") {
  const KillVerdict warned = judge_kill(std::vector{released, kept, unknown}, false);
  CHECK(warned.level == Level::warning);
  CHECK(warned.line == "a kill leaves a valve open: put dtparam=strict_gpiod; pull down");
  CHECK(warned.unsafe.empty());
  CHECK_THAT(judge_kill(std::vector{released, unknown}, false).line,
             ContainsSubstring("is not known: not told"));
}

TEST_CASE("what is required and not known to be so keeps the taps shut", "[kill-check]") {
  const auto machines = {
      std::vector{kept}, std::vector{unknown}, std::vector{released, unknown},
      std::vector{released, fate(KillOutcome::released, "given back", no_pull)},
      std::vector{fate(KillOutcome::released, "given back", towards_open), released}};
  for (const auto& found : machines) {
    const KillVerdict verdict = judge_kill(found, true);
    CHECK(verdict.level == Level::error);
    CHECK_THAT(verdict.line, ContainsSubstring("the taps stay shut"));
    CHECK_FALSE(verdict.unsafe.empty());
  }
}

TEST_CASE("a pin that is given back shuts its valve only by its pull", "[kill-check]") {
  const KillVerdict opens = judge_kill(
      std::vector{released, fate(KillOutcome::released, "given back", towards_open)}, false);
  CHECK(opens.level == Level::warning);
  CHECK(opens.line == "a kill leaves a valve open: given back; pull up");
  const KillVerdict floats =
      judge_kill(std::vector{fate(KillOutcome::released, "given back", no_pull)}, false);
  CHECK(floats.line == "whether a kill shuts the valves is not known: given back; no pull");
  // A pull towards shut is of no use where the pin stays driven.
  CHECK(judge_kill(std::vector{kept}, true).level == Level::error);
}

TEST_CASE("without a real valve there is nothing to say", "[kill-check]") {
  const KillVerdict verdict = judge_kill({}, true);
  CHECK(verdict.line.empty());
  CHECK(verdict.unsafe.empty());
}

}  // namespace tapd::test
