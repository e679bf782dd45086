// Promise P2: the server books each pour exactly once, whatever the network does. Random schedules
// of faults in virtual time; each seed is a bar, a venue, a network and a day of its own, and a
// failure names it. TAPD_SYNC_SEEDS=100000 plays more of them.
#include <cstdlib>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "tests/sync/ledger_books.hpp"
#include "tests/sync/memory_books.hpp"
#include "tests/sync/schedule.hpp"

namespace tapd::sync {
namespace {

using namespace test;

constexpr std::uint64_t usual_seeds = TAPD_SYNC_USUAL_SEEDS;

std::uint64_t seeds() {
  const char* const wish = std::getenv("TAPD_SYNC_SEEDS");
  return wish == nullptr ? usual_seeds : std::strtoull(wish, nullptr, 10);
}

TEST_CASE("each pour is booked exactly once, whatever the network does", "[schedules]") {
  // Shards, so that ctest can run them side by side.
  const auto shard = GENERATE(range(0U, 4U));
  const std::uint64_t count = seeds() / 4;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t seed = shard * 1'000'000 + i;
    MemoryBooks books;
    const std::string wrong = Schedule{seed, books}.run();
    if (!wrong.empty()) FAIL("seed " << seed << ": " << wrong);
  }
  SUCCEED();
}

TEST_CASE("the same holds with the real ledger on disk", "[schedules][ledger]") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    LedgerBooks books;
    const std::string wrong = Schedule{seed, books}.run();
    if (!wrong.empty()) FAIL("seed " << seed << ": " << wrong);
  }
  SUCCEED();
}

TEST_CASE("one seed plays the same day twice", "[schedules]") {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    MemoryBooks first_books;
    MemoryBooks second_books;
    Schedule first{seed, first_books};
    Schedule second{seed, second_books};
    REQUIRE(first.run() == second.run());
    const auto& one = first.play().told();
    const auto& other = second.play().told();
    REQUIRE(one.size() == other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      REQUIRE(one[i].first == other[i].first);
      REQUIRE(one[i].second.index() == other[i].second.index());
    }
  }
}

}  // namespace
}  // namespace tapd::sync
