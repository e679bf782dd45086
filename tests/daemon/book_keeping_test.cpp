// The books are kept when nobody pours, each chore at its time, and an idle bar writes nothing.
#include <catch2/catch_test_macros.hpp>

#include "daemon/backup_pace.hpp"
#include "daemon/book_keeping.hpp"

using namespace tapd;
using namespace std::chrono_literals;

namespace {

model::Moment at(std::chrono::minutes since_boot, bool trusted = true) {
  return {since_boot, model::WallTime{}, trusted};
}

BookKeepingState all_done(std::chrono::minutes when) {
  return {.backed_up = when, .checked = when, .forgotten = when, .failed = {}, .backup_holds = "1"};
}

}  // namespace

TEST_CASE("a start backs up, checks and forgets, one after the other", "[book_keeping]") {
  const BookKeepingRules rules;
  BookKeepingState state;
  CHECK(next_chore(rules, state, "1", false, at(1min)) == Chore::back_up);
  state.backed_up = 1min;
  state.backup_holds = "1";
  CHECK(next_chore(rules, state, "1", false, at(2min)) == Chore::check);
  state.checked = 2min;
  CHECK(next_chore(rules, state, "1", false, at(3min)) == Chore::forget);
  state.forgotten = 3min;
  CHECK(next_chore(rules, state, "1", false, at(4min)) == Chore::none);
}

TEST_CASE("nothing is due while somebody pours", "[book_keeping]") {
  CHECK(next_chore({}, {}, "1", true, at(1min)) == Chore::none);
}

TEST_CASE("a backup is due after its interval, and only when something changed", "[book_keeping]") {
  BookKeepingRules rules;
  rules.backup_interval = 6h;
  const BookKeepingState state = all_done(10min);
  CHECK(next_chore(rules, state, "2", false, at(6h + 9min)) == Chore::none);
  CHECK(next_chore(rules, state, "2", false, at(6h + 10min)) == Chore::back_up);
  CHECK(next_chore(rules, state, "1", false, at(6h + 10min)) == Chore::none);
  rules.backup_interval = 0h;
  CHECK(next_chore(rules, state, "2", false, at(6h + 10min)) == Chore::none);
}

TEST_CASE("once a day the chain is walked, and old pours go when the date is known",
          "[book_keeping]") {
  BookKeepingState state = all_done(0min);
  CHECK(next_chore({}, state, "1", false, at(24h)) == Chore::check);
  state.checked = 24h;
  CHECK(next_chore({}, state, "1", false, at(24h, false)) == Chore::none);
  CHECK(next_chore({}, state, "1", false, at(24h)) == Chore::forget);
}

// Found by reading: all of a copy was left to one sync, behind which the ledger's commits stood.
TEST_CASE("no more of a backup than a MiB waits to be synced, and a pour goes before it",
          "[book_keeping]") {
  using Step = BackupPace::Step;
  BackupPace pace;
  int unsynced = 0;
  int copied = 0;
  for (int step = 0; copied < 1'000; ++step) {
    const bool pour_open = step % 7 < 3;
    switch (pace.next(pour_open)) {
      case Step::copy:
        REQUIRE_FALSE(pour_open);
        ++copied;
        REQUIRE(++unsynced <= BackupPace::most_unsynced_parts);
        pace.copied();
        break;
      case Step::sync:
        unsynced = 0;
        pace.synced();
        break;
      case Step::wait:
        REQUIRE(pour_open);
        break;
    }
    REQUIRE(step < 10'000);
  }
}

TEST_CASE("a bar in which somebody always pours gets its backup as well", "[book_keeping]") {
  using Step = BackupPace::Step;
  BackupPace pace;
  int waits = 0;
  for (int copied = 0; copied < 3 * BackupPace::most_unsynced_parts;) {
    const Step step = pace.next(true);
    if (step == Step::wait) ++waits;
    if (step == Step::sync) pace.synced();
    if (step != Step::copy) continue;
    pace.copied();
    ++copied;
  }
  CHECK(waits == 3 * BackupPace::most_waits);
}

TEST_CASE("after a chore that failed there is a pause", "[book_keeping]") {
  BookKeepingState state;
  state.failed[Chore::back_up] = 10min;
  // A stick that was pulled out keeps nobody from walking the chain and from making room.
  CHECK(next_chore({}, state, "1", false, at(11min)) == Chore::check);
  state.checked = 11min;
  CHECK(next_chore({}, state, "1", false, at(12min)) == Chore::forget);
  state.forgotten = 12min;
  CHECK(next_chore({}, state, "1", false, at(39min)) == Chore::none);
  CHECK(next_chore({}, state, "1", false, at(40min)) == Chore::back_up);
}
