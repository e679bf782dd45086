#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/central/bar_fixture.hpp"
#include "tests/central/misbehaviour.hpp"

using namespace tapd::central;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

void set_mode(Bar& bar, const json& modes) {
  Client hand = bar.another_client();
  CHECK(hand.post("/test/misbehave", json{{"modes", modes}}).status == 200);
}

Answer send(Bar& bar, const char* id) {
  Client client = bar.another_client();
  return client.post("/api/sync/pours",
                     json{{"pours", {pour_row(id, anns_card, ipa_tap, 100, ipa_price)}}});
}

}  // namespace

TEST_CASE("each habit spoils the answer, and does the work or does not", "[misbehaviour]") {
  Bar bar;
  struct Habit {
    const char* mode;
    int status;  // 0: no whole answer
    bool done;
  };
  const Habit habit =
      GENERATE(Habit{"cut", 0, true}, Habit{"status:503", 503, false}, Habit{"late:504", 504, true},
               Habit{"garbage", 200, true}, Habit{"portal", 200, false},
               Habit{"slow:50", 200, true}, Habit{"duplicate", 200, true});
  CAPTURE(habit.mode);
  set_mode(bar, {habit.mode});
  CHECK(send(bar, "tx").status == habit.status);
  CHECK(bar.pour_count() == (habit.done ? 1 : 0));
  set_mode(bar, json::array());
  const Answer good = send(bar, "tx");
  REQUIRE(good.status == 200);
  CHECK(verdict(good.body["results"][0]) ==
        (habit.done ? "accepted/duplicate_existing" : "accepted/charged"));
}

TEST_CASE("a slow answer comes late, and not at all past the client's patience", "[misbehaviour]") {
  Bar bar;
  set_mode(bar, {"slow:200"});
  const auto begin = std::chrono::steady_clock::now();
  CHECK(send(bar, "tx").status == 200);
  CHECK(std::chrono::steady_clock::now() - begin >= 200ms);
}

TEST_CASE("a server that is slow stops at once", "[misbehaviour]") {
  Bar bar;
  set_mode(bar, {"slow:60000"});
  Client client = bar.another_client();
  auto waiting = std::async(std::launch::async, [&] { return send(bar, "tx").status; });
  // Until the work is done the answer cannot be waiting.
  while (bar.pour_count() == 0) std::this_thread::yield();
  const auto begin = std::chrono::steady_clock::now();
  bar.server().stop();
  CHECK(std::chrono::steady_clock::now() - begin < 30s);
  (void)waiting.get();
}

TEST_CASE("a percentage spoils some answers and not all", "[misbehaviour]") {
  Bar bar;
  set_mode(bar, {"status:503@50"});
  int spoilt = 0;
  for (int i = 0; i < 60; ++i) spoilt += send(bar, "tx").status == 503 ? 1 : 0;
  CHECK(spoilt > 10);
  CHECK(spoilt < 50);
}

TEST_CASE("a habit that does not exist is refused with the right ones", "[misbehaviour]") {
  for (const char* wrong : {"", "odd", "slow", "slow:0", "slow:60001", "slow:x", "cut:1",
                            "status:200", "status:600", "cut@0", "cut@101", "cut@", "late"}) {
    CAPTURE(wrong);
    CHECK_THROWS_WITH(parse_misbehaviour(wrong), ContainsSubstring("slow:MS"));
  }
  Bar bar;
  CHECK(bar.client().post("/test/misbehave", json{{"modes", {"odd"}}}).status == 422);
  CHECK(bar.client().post_text("/test/misbehave", "{}").status == 422);
}
