#include "daemon/pours_api.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/storage/bar.hpp"

namespace tapd::test {

// Found by reading: on a slow card each commit takes tens of milliseconds, and the taps wait.
TEST_CASE("failed pours are sent again in one commit, however many they are", "[pours_api]") {
  constexpr std::uint64_t failed = 50;
  FaultyDisk disk;
  const TempDir folder;
  storage::Ledger ledger{{folder / "tapd.db", disk.name(), this_boot}};
  for (std::uint64_t number = 1; number <= failed; ++number) {
    pour(ledger, number, 100);
    REQUIRE(outcome(ledger.mark_sent({pour_id(number)}, at(20))) == "ok");
    REQUIRE(outcome(ledger.apply_verdicts({verdict(number, storage::Verdict::Kind::final_failure)},
                                          10, at(21), at(30))) == "ok");
  }
  const auto before = disk.syncs();
  REQUIRE(send_failed_again(ledger, pour_id(1).text(), "anna", at(40)) == 1);
  const auto for_one = disk.syncs() - before;
  REQUIRE(for_one > 0);
  CHECK(send_failed_again(ledger, "all", "anna", at(41)) == failed - 1);
  CHECK(disk.syncs() - before < 6 * for_one);  // A checkpoint may fall due.
  CHECK(ledger.queue_counts()->waiting == static_cast<std::int64_t>(failed));
  CHECK(send_failed_again(ledger, "all", "anna", at(42)) == 0);
}

}  // namespace tapd::test
