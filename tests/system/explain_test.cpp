// tapctl explain: the rule that decides, before anybody lays a card on.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "lone_tapd.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("explain says what a card would get, and which rule denies another", "[system]") {
  LoneTapd bar;
  const FinishedChild good = bar.tapctl({"explain", "card", "04A1B2C3"});
  CHECK(good.status.success());
  CHECK_THAT(good.output, ContainsSubstring("50.00 available") &&
                              ContainsSubstring("tap 1: idle") &&
                              ContainsSubstring("would pour up to"));
  const FinishedChild unknown = bar.tapctl({"explain", "card", "04ffffff", "--tap", "1"});
  CHECK(unknown.status.success());
  CHECK_THAT(unknown.output, ContainsSubstring("not known here") &&
                                 ContainsSubstring("would be denied: unknown_card"));
  CHECK(bar.tapctl({"lock", "1", "glass broken"}).status.success());
  CHECK_THAT(bar.tapctl({"explain", "tap", "1"}).output,
             ContainsSubstring("tap 1: locked (service: glass broken)"));
  // What is explained is what happens.
  CHECK(bar.tapctl({"unlock", "1"}).status.success());
  bar.sim("card 1 04ffffff");
  CHECK(bar.says("may not pour: unknown_card"));
}

TEST_CASE("explain refuses what is no card and no tap", "[system]") {
  const LoneTapd bar;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"explain", "card", "hello?&tap=1"},
        {"explain", "tap", "9"},
        {"explain", "card", "04a1b2c3", "--tap", "9"}}) {
    const FinishedChild end = bar.tapctl(words);
    CHECK(end.status.code == 1);
    CHECK(end.output.size() > 10);
  }
  CHECK(bar.tapctl({"explain"}).status.code == 2);
}

}  // namespace tapd::test
