// A read that fails in the middle of a commit that several requests share: SQLite gives the whole
// transaction up by itself, and what each of them was told must be true all the same.
#include <filesystem>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/storage/bar.hpp"
#include "tests/storage/faulty_disk.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using storage::Ledger;
using storage::Result;

namespace {

namespace fs = std::filesystem;

storage::LedgerOptions on(const FaultyDisk& disk, const fs::path& file) {
  return {file, disk.name(), this_boot};
}

/// A ledger too large to be read as a whole at a start, so that its pages are not in memory. Made
/// once.
const fs::path& large_ledger() {
  static const TempDir kept;
  static const fs::path file = [] {
    const FaultyDisk disk;
    Ledger made{on(disk, kept / "tap.db")};
    REQUIRE(outcome(made.in_one_commit([&]() -> Result<> {
              for (std::uint64_t number = 1; number <= 6'500; ++number) {
                pour(made, number, 100);
                confirm(made, number);
              }
              return {};
            })) == "ok");
    return kept / "tap.db";
  }();
  return file;
}

model::PourBegin at_tap(std::uint64_t number, std::int32_t tap) {
  model::PourBegin begin = beginning(number);
  begin.tap_id = model::TapId{tap};
  return begin;
}

/// What each request of an evening in one commit was told, as the storage thread shares one.
struct Told {
  bool begun_at_2{false};
  bool ended_at_1{false};
  bool begun_at_3{false};
  Result<> all;
};

Told evening(Ledger& ledger) {
  Told told;
  told.all = ledger.in_one_commit([&]() -> Result<> {
    told.begun_at_2 = ledger.begin_pour(at_tap(8'002, 2), this_boot).has_value();
    (void)ledger.facts(card(1), model::TapId{1});
    (void)ledger.newest_pours(200);
    (void)ledger.queue_counts();
    told.ended_at_1 = ledger.end_pour(ending(8'001, 300)).has_value();
    (void)ledger.newest_pours(50, pour_id(3'000).text());
    told.begun_at_3 = ledger.begin_pour(at_tap(8'003, 3), this_boot).has_value();
    return {};
  });
  if (!told.all) told.begun_at_2 = told.ended_at_1 = told.begun_at_3 = false;
  return told;
}

}  // namespace

// Found by reading: what came after the read made commits of its own, was told to have failed, and
// stood there: a pour that nobody had begun kept its tap until the next start.
TEST_CASE("whichever read fails in a commit, what each request was told is what is there",
          "[faults]") {
  std::size_t nth = 1;
  std::size_t lost = 0;
  for (bool reached = true; reached; ++nth) {
    CAPTURE(nth);
    FaultyDisk disk;
    TempDir folder;
    fs::copy_file(large_ledger(), folder / "tap.db");
    Ledger ledger{on(disk, folder / "tap.db")};
    REQUIRE(outcome(ledger.begin_pour(at_tap(8'001, 1), this_boot)) == "ok");
    disk.fail_read(nth);
    const Told told = evening(ledger);
    reached = disk.is_read_fault_over();
    disk.fail_read(0);
    if (!told.all) {
      ++lost;
      REQUIRE(told.all.error().kind == storage::Error::Kind::io);
      REQUIRE_THAT(told.all.error().message, ContainsSubstring("disk I/O error"));
    }
    const auto counts = ledger.queue_counts();
    REQUIRE(outcome(counts) == "ok");
    const int open = 1 + int{told.begun_at_2} + int{told.begun_at_3} - int{told.ended_at_1};
    REQUIRE(counts->open == open);
    REQUIRE(counts->waiting == int{told.ended_at_1});
    // Who was told that it failed can do it again.
    if (!told.begun_at_2) {
      REQUIRE(outcome(ledger.begin_pour(at_tap(8'012, 2), this_boot)) == "ok");
    }
    if (!told.begun_at_3) {
      REQUIRE(outcome(ledger.begin_pour(at_tap(8'013, 3), this_boot)) == "ok");
    }
    if (!told.ended_at_1) REQUIRE(outcome(ledger.end_pour(ending(8'001, 300))) == "ok");
  }
  CHECK(nth > 10);
  CHECK(lost > 3);
}
