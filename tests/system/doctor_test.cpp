// The doctor beside a real tapd, and beside one that is dead.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "lone_tapd.hpp"

namespace tapd::test {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

FinishedChild doctor(const LoneTapd& bar, std::vector<std::string> first = {}) {
  std::vector<std::string> words = std::move(first);
  words.insert(words.end(), {"doctor", "--config", (bar.folder() / "tapd.toml").string()});
  return run_child({.program = TAPCTL_PROGRAM, .arguments = words}, 30s);
}

}  // namespace

TEST_CASE("the doctor asks the tapd of the configuration that it reads, or the one it is told",
          "[system][doctor]") {
  const LoneTapd bar;
  const FinishedChild end = doctor(bar);
  CHECK_THAT(end.output, ContainsSubstring("tapd runs and answers"));
  const FinishedChild elsewhere = doctor(bar, {"--socket", "/nowhere/tapd.sock"});
  CHECK_THAT(elsewhere.output, ContainsSubstring("tapd does not answer on /nowhere/tapd.sock"));
}

TEST_CASE("a tapd that is dead is bad", "[system][doctor]") {
  LoneTapd bar;
  CHECK(bar.stop().success());
  const FinishedChild end = doctor(bar);
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("BAD      tapd does not answer on " +
                                           (bar.folder() / "tapd.sock").string()) &&
                             ContainsSubstring("next: systemctl status tapd") &&
                             !ContainsSubstring(" 0 bad"));
}

}  // namespace tapd::test
