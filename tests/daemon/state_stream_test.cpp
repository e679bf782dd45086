// The stream of states: what one listener is told, and what is kept for one that does not listen.
#include <algorithm>
#include <atomic>
#include <catch2/catch_test_macros.hpp>

#include "daemon/card_log.hpp"
#include "daemon/state_stream.hpp"
#include "tests/support/deadline.hpp"

namespace tapd::test {

using namespace std::chrono_literals;

namespace {

/// The next that a listener is told; fails the test when nothing comes.
std::string next(const StreamSource& source, std::uint64_t& seen) {
  const Deadline deadline{10s};
  for (;;) {
    if (std::string text = source(seen); !text.empty()) return text;
    REQUIRE(deadline.pause(5ms));
  }
}

}  // namespace

TEST_CASE("a listener is told every tap once, and then only what changes", "[stream]") {
  std::atomic<int> poured{0};
  StateStream stream{[&]() -> std::optional<std::vector<std::string>> {
    return {{"one", "two " + std::to_string(poured.load())}};
  }};
  const StreamSource source = stream.listen();
  std::uint64_t seen = 0;
  CHECK(next(source, seen) == "one\ntwo 0\n");
  poured = 5;
  CHECK(next(source, seen) == "two 5\n");
  // Nothing changes: only a sign of life comes.
  CHECK(next(source, seen) == "{\"alive\":true}\n");
  std::uint64_t fresh = 0;
  CHECK(next(stream.listen(), fresh).starts_with("one\ntwo 5\n"));
}

TEST_CASE("who listens after a while without listeners is told nothing of before", "[stream]") {
  std::atomic<int> looks{0};
  StateStream stream{[&]() -> std::optional<std::vector<std::string>> {
    return {{"look " + std::to_string(++looks)}};
  }};
  std::uint64_t seen = 0;
  REQUIRE_FALSE(next(stream.listen(), seen).empty());
  int before = -1;
  const Deadline settled{10s};
  while (before != looks) {
    before = looks;
    REQUIRE(settled.pause(300ms));  // three looks, were anybody listening
  }
  std::uint64_t fresh = 0;
  const std::string text = next(stream.listen(), fresh);
  CHECK(text.starts_with("look " + std::to_string(before + 1)));
}

TEST_CASE("what waits for a listener who does not come is one line for each tap", "[stream]") {
  std::atomic<int> looks{0};
  StateStream stream{[&]() -> std::optional<std::vector<std::string>> {
    return {{"look " + std::to_string(++looks)}};
  }};
  const StreamSource source = stream.listen();
  const Deadline deadline{10s};
  while (looks < 10) REQUIRE(deadline.pause(5ms));
  std::uint64_t seen = 0;
  const std::string text = source(seen);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}

TEST_CASE("nobody is asked while nobody listens", "[stream]") {
  std::atomic<int> looks{0};
  StateStream stream{[&]() -> std::optional<std::vector<std::string>> {
    ++looks;
    return std::nullopt;  // and a control thread that does not answer is no news
  }};
  {
    const StreamSource source = stream.listen();
    const Deadline deadline{10s};
    while (looks < 2) REQUIRE(deadline.pause(5ms));
    std::uint64_t seen = 0;
    CHECK(source(seen).empty());
  }
  const Deadline settled{300ms};
  while (settled.pause(20ms)) {
  }
  const int before = looks;
  const Deadline quiet{500ms};
  while (quiet.pause(20ms)) {
  }
  CHECK(looks == before);
}

TEST_CASE("the log of cards keeps the newest, numbered without gaps", "[cards]") {
  CardLog log;
  CHECK(log.newest() == 0);
  drivers::Uid uid;
  uid.bytes = {0x04, 0xA1, 0xB2, 0xC3};
  uid.size = 4;
  for (std::size_t i = 0; i < CardLog::most; ++i) {
    log.put(model::TapId{1}, drivers::CardArrived{uid}, {});
  }
  CHECK(log.after(0).size() == CardLog::most);
  log.put(model::TapId{2}, drivers::CardRefused{"two cards"}, {});
  log.put(model::TapId{2}, drivers::CardLeft{.uid = uid, .last_seen = {}}, {});
  const auto all = log.after(0);
  REQUIRE(all.size() == CardLog::most);
  CHECK(all.front().number == 3);
  CHECK(all.front().card == "04A1B2C3");
  const auto newest = log.after(log.newest() - 2);
  REQUIRE(newest.size() == 2);
  CHECK(newest.front().what == "refused");
  CHECK(newest.front().why == "two cards");
  CHECK(newest.back().what == "taken_away");
  CHECK(log.after(log.newest()).empty());
}

}  // namespace tapd::test
