#include "sync/backoff.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "tests/sync/samples.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr BackoffLimits limits{500ms, 60'000ms, 100ms, 900'000ms};

TEST_CASE("the widest delay doubles up to the longest and stays there", "[backoff]") {
  Backoff backoff{limits};
  const Random longest = test::always_longest();
  CHECK(backoff.fail(longest) == 500ms);
  CHECK(backoff.fail(longest) == 1000ms);
  CHECK(backoff.fail(longest) == 2000ms);
  for (int i = 0; i < 1000; ++i) (void)backoff.fail(longest);
  CHECK(backoff.fail(longest) == 60'000ms);
}

TEST_CASE("no delay leaves its bounds, whatever is drawn", "[backoff]") {
  const auto seed = GENERATE(range(0U, 200U));
  const Random random = test::random_from(seed);
  Backoff backoff{limits};
  milliseconds widest = limits.first;
  for (int i = 0; i < 30; ++i) {
    const milliseconds delay = backoff.fail(random);
    CHECK(delay >= limits.least_spacing);
    CHECK(delay <= widest);
    widest = std::min(widest * 2, limits.longest);
  }
}

TEST_CASE("delays are spread over the whole width, so that a fleet does not come back at once",
          "[backoff]") {
  const Random random = test::random_from(7);
  int early = 0;
  constexpr int draws = 2000;
  for (int i = 0; i < draws; ++i) {
    Backoff backoff{limits};
    for (int failures = 0; failures < 9; ++failures) (void)backoff.fail(random);
    if (backoff.fail(random) < limits.longest / 2) ++early;
  }
  CHECK(early > draws * 4 / 10);
  CHECK(early < draws * 6 / 10);
}

TEST_CASE("even an instant refusal is not answered at once", "[backoff]") {
  Backoff backoff{limits};
  const Random lowest = [](std::uint64_t) { return 0U; };
  CHECK(backoff.fail(lowest) == limits.least_spacing);
  CHECK(backoff.fail(lowest, 0ms) == limits.least_spacing);
}

TEST_CASE("success starts anew", "[backoff]") {
  Backoff backoff{limits};
  const Random longest = test::always_longest();
  (void)backoff.fail(longest);
  (void)backoff.fail(longest);
  backoff.succeed();
  CHECK(backoff.failures() == 0);
  CHECK(backoff.fail(longest) == 500ms);
}

TEST_CASE("Retry-After is obeyed, with jitter on top, and bounded", "[backoff]") {
  const Random random = test::random_from(3);
  for (int i = 0; i < 200; ++i) {
    Backoff backoff{limits};
    const milliseconds delay = backoff.fail(random, 30s);
    CHECK(delay >= 30s);
    CHECK(delay <= 30s + limits.first);
    CHECK(backoff.fail(random, 24h) <= limits.longest_told + limits.first);
    CHECK(backoff.fail(random, -5s) >= limits.least_spacing);
  }
}

TEST_CASE("the three forms of an HTTP date name the same moment", "[backoff]") {
  const auto when = model::parse_iso8601("1994-11-06T08:49:37Z");
  REQUIRE(when);
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == when);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == when);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") == when);
}

TEST_CASE("what is no HTTP date is none", "[backoff]") {
  const auto* const text =
      GENERATE("", "now", "Sun, 06 Nov 1994", "Sun, 32 Nov 1994 08:49:37 GMT",
               "Sun, 30 Feb 2024 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
               "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49 GMT",
               "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 199 08:49:37 GMT",
               "Sun, 06 Nov 99999999999 08:49:37 GMT", "Sun, 06 Nov 1994 0a:49:37 GMT",
               "- - - - - -", ", , , , , , , , , , ,");
  CAPTURE(text);
  CHECK_FALSE(parse_http_date(text));
}

TEST_CASE("Retry-After is seconds, or a date that counts from the server's own clock",
          "[backoff]") {
  const auto now = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(parse_retry_after("120", now) == 120s);
  CHECK(parse_retry_after(" 0 ", std::nullopt) == 0s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:51:37 GMT", now) == 120s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:40:00 GMT", now) == 0s);
  CHECK_FALSE(parse_retry_after("Sun, 06 Nov 1994 08:51:37 GMT", std::nullopt));
  CHECK(parse_retry_after("99999999999999999999999", now) > 24h);
  CHECK_FALSE(parse_retry_after("-5", now));
  CHECK_FALSE(parse_retry_after("", now));
  CHECK_FALSE(parse_retry_after("soon", now));
  CHECK_FALSE(parse_retry_after("1.5", now));
}

}  // namespace
}  // namespace tapd::sync
