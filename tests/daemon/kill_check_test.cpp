#include "daemon/kill_check.hpp"

#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

namespace tapd::test {
namespace {

using Catch::Matchers::ContainsSubstring;
using drivers::KillOutcome;
using drivers::KillSafety;

const KillSafety released{.outcome = KillOutcome::released, .what = "given back"};
const KillSafety kept{.outcome = KillOutcome::kept, .what = "put dtparam=strict_gpiod"};
const KillSafety unknown{.outcome = KillOutcome::unknown, .what = "not told"};

}  // namespace

TEST_CASE("a machine where a kill shuts the valves sells, whatever is required", "[kill-check]") {
  const std::vector chips{released, released};
  for (const bool required : {false, true}) {
    const KillVerdict verdict = judge_kill(chips, required);
    CHECK(verdict.level == Level::info);
    CHECK(verdict.line == "a kill shuts every valve: given back");
    CHECK(verdict.unsafe.empty());
  }
}

TEST_CASE("the worst chip decides, and warns where nothing is required", "[kill-check]") {
  const KillVerdict warned = judge_kill(std::vector{released, kept, unknown}, false);
  CHECK(warned.level == Level::warning);
  CHECK(warned.line == "a kill leaves an open valve open: put dtparam=strict_gpiod");
  CHECK(warned.unsafe.empty());
  CHECK_THAT(judge_kill(std::vector{released, unknown}, false).line,
             ContainsSubstring("is not known: not told"));
}

TEST_CASE("what is required and not known to be so keeps the taps shut", "[kill-check]") {
  const auto chips = {std::vector{kept}, std::vector{unknown}, std::vector{released, unknown}};
  for (const auto& found : chips) {
    const KillVerdict verdict = judge_kill(found, true);
    CHECK(verdict.level == Level::error);
    CHECK_THAT(verdict.line, ContainsSubstring("the taps stay shut"));
    CHECK_FALSE(verdict.unsafe.empty());
  }
}

TEST_CASE("without a real valve there is nothing to say", "[kill-check]") {
  const KillVerdict verdict = judge_kill({}, true);
  CHECK(verdict.line.empty());
  CHECK(verdict.unsafe.empty());
}

}  // namespace tapd::test
