#include "sync/drain.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "tests/sync/samples.hpp"

namespace tapd::sync {
namespace {

using Rows = Drain::Rows;
using Failure = Drain::Failure;
using test::tx;

Rows rows(std::size_t count, std::uint64_t from = 0) {
  Rows all;
  for (std::uint64_t i = from; i < from + count; ++i) all.push_back(tx(i));
  return all;
}

/// A queue and a server in which some rows spoil every request that holds one of them.
struct Play {
  explicit Play(std::size_t batch) : drain{batch} {}

  enum class Spoils { refuses, errors, hangs, nothing };

  Drain drain;
  Rows queue;
  std::map<model::ClientTxId, Spoils> spoilers;
  std::set<model::ClientTxId> confirmed;
  std::map<model::ClientTxId, int> attempts;
  int requests{0};

  Spoils worst(const Rows& sent) const {
    for (const auto& row : sent) {
      if (const auto found = spoilers.find(row); found != spoilers.end()) return found->second;
    }
    return Spoils::nothing;
  }

  void spend(const std::optional<model::ClientTxId>& culprit) {
    if (!culprit) return;
    ++attempts[*culprit];
    std::erase(queue, *culprit);  // Set aside until later, as the ledger does.
  }

  /// One request; false when nothing is to be sent.
  bool step() {
    Rows due = queue;
    due.resize(std::min(due.size(), drain.wanted()));
    const Rows sent = drain.pick(due);
    if (sent.empty()) return false;
    drain.started(sent);
    ++requests;
    switch (worst(sent)) {
      case Spoils::refuses:
        spend(drain.refused(false));
        break;
      case Spoils::errors:
        drain.failed(Failure::server_error);
        break;
      case Spoils::hangs:
        drain.failed(Failure::no_answer);
        break;
      case Spoils::nothing:
        for (const auto& row : drain.judged()) spend(row);
        for (const auto& row : sent) {
          confirmed.insert(row);
          std::erase(queue, row);
        }
        break;
    }
    return true;
  }
};

TEST_CASE("the oldest rows go first, at most one batch, one request at a time", "[drain]") {
  Drain drain{10};
  const Rows due = rows(25);
  const Rows sent = drain.pick(due);
  CHECK(sent == rows(10));
  drain.started(sent);
  CHECK(drain.pick(due).empty());
  CHECK(drain.judged().empty());
  CHECK(drain.pick(rows(15, 10)) == rows(10, 10));
  CHECK(drain.pick({}).empty());
}

TEST_CASE("one poison row in a thousand costs a few requests and nobody else", "[drain]") {
  const auto place = GENERATE(range(0U, 1000U, 37U));
  const auto spoils = GENERATE(Play::Spoils::refuses, Play::Spoils::errors);
  Play play{50};
  play.queue = rows(1000);
  play.spoilers[tx(place)] = spoils;
  while (play.confirmed.size() < 999 && play.requests < 1000 && play.step()) {
  }
  // A 500 is held against a row only when neighbours go through before and after it.
  for (std::uint64_t i = 0; i < 2; ++i) {
    play.queue.push_back(tx(1000 + i));
    for (int step = 0; step < 3; ++step) play.step();
  }
  CAPTURE(place, play.requests);
  CHECK(play.confirmed.size() == 1001);
  CHECK(play.attempts[tx(place)] == 1);
  CHECK(play.attempts.size() == 1);
  // 20 batches, about 6 halvings, about 6 to grow again; a 500 also needs its second look.
  CHECK(play.requests <= 20 + 25);
}

TEST_CASE("many poison rows are each found", "[drain]") {
  const auto seed = GENERATE(range(0U, 100U));
  test::Dice dice{seed};
  Play play{1 + dice.below(60)};
  play.queue = rows(1 + dice.below(300));
  for (const auto& row : play.queue) {
    if (dice.chance(100)) {
      play.spoilers[row] = dice.chance(500) ? Play::Spoils::refuses : Play::Spoils::errors;
    }
  }
  const std::size_t all = play.queue.size();
  const std::size_t bad = play.spoilers.size();
  while (play.requests < 20'000 && play.confirmed.size() < all - bad && play.step()) {
  }
  CAPTURE(seed, all, bad, play.requests);
  CHECK(play.confirmed.size() == all - bad);
  for (const auto& [row, count] : play.attempts) {
    CHECK(play.spoilers.contains(row));
    CHECK(count == 1);
  }
}

TEST_CASE("a server that answers 500 to everything costs no row an attempt", "[drain]") {
  const auto failure = GENERATE(Failure::server_error, Failure::no_answer);
  Play play{50};
  play.queue = rows(200);
  for (const auto& row : play.queue) {
    play.spoilers[row] =
        failure == Failure::server_error ? Play::Spoils::errors : Play::Spoils::hangs;
  }
  for (int i = 0; i < 500; ++i) play.step();
  CHECK(play.attempts.empty());
  CHECK(play.queue.size() == 200);
  // It mends: everything goes through, and quickly.
  play.spoilers.clear();
  play.requests = 0;
  while (play.step()) {
  }
  CHECK(play.confirmed.size() == 200);
  CHECK(play.attempts.empty());
  CHECK(play.requests <= 25);
}

TEST_CASE("a row on which the server hangs never spends attempts and never blocks the others",
          "[drain]") {
  Play play{10};
  play.queue = rows(40);
  play.spoilers[tx(0)] = Play::Spoils::hangs;
  for (int i = 0; i < 60; ++i) play.step();
  CHECK(play.confirmed.size() == 39);
  CHECK(play.attempts.empty());
  CHECK(play.queue == rows(1));
  play.spoilers.clear();
  play.step();
  CHECK(play.confirmed.size() == 40);
}

TEST_CASE("a single failure of a batch accuses nobody: the same batch is sent again", "[drain]") {
  Drain drain{10};
  const Rows due = rows(10);
  drain.started(drain.pick(due));
  drain.failed(Failure::server_error);
  CHECK(drain.pick(due) == due);
  drain.started(due);
  drain.failed(Failure::server_error);
  CHECK(drain.pick(due) == rows(5));
}

TEST_CASE("a 500 between two successes of neighbours is the row's own fault, not before",
          "[drain]") {
  Drain drain{1};
  const auto fail_twice = [&drain](const Rows& due) {
    for (int i = 0; i < 2; ++i) {
      drain.started(drain.pick(due));
      drain.failed(Failure::server_error);
    }
  };
  const auto pass = [&drain](const Rows& due) {
    drain.started(drain.pick(due));
    return drain.judged();
  };
  const Rows poison = rows(1);
  const Rows both{tx(0), tx(1)};
  fail_twice(poison);  // Aside now.
  REQUIRE(drain.pick(both) == Rows{tx(1)});
  CHECK(pass(both).empty());
  REQUIRE(drain.pick(both) == poison);
  SECTION("the next neighbour goes through") {
    drain.started(poison);
    drain.failed(Failure::server_error);
    REQUIRE(drain.pick(both) == Rows{tx(1)});
    CHECK(pass(both) == poison);
  }
  SECTION("the next neighbour fails as well: it was the server") {
    drain.started(poison);
    drain.failed(Failure::server_error);
    drain.started(drain.pick(both));
    drain.failed(Failure::server_error);
    CHECK(pass(both).empty());
  }
  SECTION("the link fails in between: nobody knows") {
    drain.started(poison);
    drain.failed(Failure::server_error);
    drain.started(drain.pick(both));
    drain.not_looked_at();
    CHECK(pass(both).empty());
  }
  SECTION("it goes through itself") {
    CHECK(pass(both).empty());
    CHECK(drain.wanted() == 1);
  }
}

TEST_CASE("a request that never reached the server changes nothing", "[drain]") {
  Drain drain{10};
  const Rows due = rows(10);
  for (int i = 0; i < 20; ++i) {
    drain.started(drain.pick(due));
    drain.not_looked_at();
    CHECK(drain.pick(due) == due);
  }
}

TEST_CASE("after 413 batches are smaller and creep up again", "[drain]") {
  Drain drain{40};
  const Rows due = rows(40);
  drain.started(drain.pick(due));
  CHECK_FALSE(drain.refused(true));
  CHECK(drain.pick(due).size() == 20);
  drain.started(rows(20));
  CHECK(drain.judged().empty());
  CHECK(drain.pick(rows(40, 100)).size() == 21);
  for (std::uint64_t i = 0; i < 30; ++i) {
    drain.started(drain.pick(rows(40, 1000 + 100 * i)));
    CHECK(drain.judged().empty());
  }
  CHECK(drain.pick(rows(40, 9000)).size() == 40);
}

TEST_CASE("a row that alone is too large is the culprit", "[drain]") {
  Drain drain{40};
  drain.started(drain.pick(rows(1)));
  CHECK(drain.refused(true) == tx(0));
}

TEST_CASE("suspects that were settled elsewhere are forgotten", "[drain]") {
  Drain drain{8};
  drain.started(drain.pick(rows(8)));
  CHECK_FALSE(drain.refused(false));
  const Rows others = rows(8, 100);
  CHECK(drain.pick(others) == others);
}

TEST_CASE("rows set aside are bounded, and a failing row past the bound just waits", "[drain]") {
  Play play{1};
  play.queue = rows(Drain::most_aside + 20);
  for (const auto& row : play.queue) play.spoilers[row] = Play::Spoils::errors;
  for (int i = 0; i < 1000; ++i) {
    play.step();
    CHECK(play.drain.wanted() <= 1 + Drain::most_aside);
  }
  CHECK(play.attempts.empty());
}

TEST_CASE("a batch grows past a modest one while answers come quickly, and back when they are slow",
          "[drain]") {
  using Pace = Drain::Pace;
  Drain drain{500};
  const Rows due = rows(1'000);
  std::vector<std::size_t> sizes;
  for (const Pace pace : {Pace::quick, Pace::quick, Pace::quick, Pace::fair, Pace::slow, Pace::slow,
                          Pace::slow, Pace::fair, Pace::quick}) {
    const Rows sent = drain.pick(due);
    sizes.push_back(sent.size());
    drain.started(sent);
    CHECK(drain.judged(pace).empty());
  }
  CHECK(sizes == std::vector<std::size_t>{100, 200, 400, 500, 500, 250, 125, 100, 100});
  CHECK(drain.pick(due).size() == 200);
}

TEST_CASE("however slow the answers are, a batch grows to a modest one again", "[drain]") {
  const auto pace = GENERATE(Drain::Pace::fair, Drain::Pace::slow);
  Drain drain{500};
  // One row was refused alone: from then on one at a time.
  drain.started(rows(1));
  CHECK(drain.refused(false).has_value());
  std::size_t most = 0;
  for (int i = 0; i < 12; ++i) {
    const Rows sent = drain.pick(rows(1'000, 1));
    most = std::max(most, sent.size());
    drain.started(sent);
    CHECK(drain.judged(pace).empty());
  }
  CHECK(most == Drain::modest_batch);
}

TEST_CASE("only what goes into the next request is asked for, all of it after a failure",
          "[drain]") {
  Drain drain{500};
  CHECK(drain.wanted() == Drain::modest_batch);
  const Rows sent = drain.pick(rows(1'000));
  drain.started(sent);
  drain.failed(Failure::no_answer);
  CHECK(drain.wanted() == 500);
}

}  // namespace
}  // namespace tapd::sync
