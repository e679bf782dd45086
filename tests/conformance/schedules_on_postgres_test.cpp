// Promise P2 on real books: random schedules of faults against the reference server on PostgreSQL
// in both modes. `./dev bench sync` plays 2,000 of them.
#include <catch2/catch_test_macros.hpp>

#include "tests/conformance/served_venue.hpp"
#include "tests/sync/memory_books.hpp"
#include "tests/sync/schedule.hpp"

namespace tapd::conformance {
namespace {

constexpr std::uint64_t seeds = 25;

TEST_CASE("what was poured is what PostgreSQL charged, whatever the network does", "[schedules]") {
  test::PostgresCluster cluster{{.fsync = false}};
  int with_snapshot = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    ServedVenue venue{cluster};
    sync::test::MemoryBooks books;
    sync::test::Schedule schedule{seed, books, venue};
    const std::string wrong = schedule.run();
    if (!wrong.empty()) FAIL("seed " << seed << ": " << wrong);
    with_snapshot += venue.has_snapshot ? 1 : 0;
  }
  // Both kinds of server were met.
  CHECK(with_snapshot > 0);
  CHECK(with_snapshot < static_cast<int>(seeds));
}

}  // namespace
}  // namespace tapd::conformance
