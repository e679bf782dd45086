// Processes that really end by SIGKILL while they hold the file, in every state of a pour, and a
// disk that is really full. A kill leaves the system's page cache alone: nothing needs to be
// synced.
#include <sys/resource.h>
#include <set>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <csignal>
#include <sstream>

#include "tests/storage/bar.hpp"
#include "tests/storage/child.hpp"
#include "tests/storage/faulty_disk.hpp"
#include "tests/storage/random.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using storage::Ledger;
using storage::LedgerOptions;
using storage::Verdict;

namespace {

LedgerOptions real_file(const TempDir& folder, const model::BootId& boot = this_boot) {
  return {folder / "tap.db", std::nullopt, boot};
}
LedgerOptions unsynced(const FaultyDisk& disk, const TempDir& folder) {
  return {folder / "tap.db", disk.name(), this_boot};
}

// Lets a child do `work` with the ledger and die.
template<typename Work>
void killed_after(const TempDir& folder, Work work) {
  Child child{[&](Pipe&) {
    const FaultyDisk disk;
    Ledger ledger{unsynced(disk, folder)};
    work(ledger);
    die();
  }};
  REQUIRE(child.wait() == SIGKILL);
}

void need(bool holds) {
  if (!holds) throw std::runtime_error{"a step of the child failed"};
}

}  // namespace

TEST_CASE("a kill before anything flowed leaves a pour of nothing", "[kill]") {
  TempDir folder;
  killed_after(
      folder, [](Ledger& ledger) { need(ledger.begin_pour(beginning(1), this_boot).has_value()); });
  Ledger ledger{real_file(folder, next_boot)};
  const auto recovered = ledger.finish_open_pours(at(1));
  REQUIRE(recovered->size() == 1);
  CHECK(recovered->at(0).pour.volume == model::Volume{});
  CHECK(recovered->at(0).pour.price == model::Money{});
  CHECK(recovered->at(0).pour.stop_reason == model::StopReason::power_loss);
  CHECK(ledger.due_pours(10, at(1))->size() == 1);
}

TEST_CASE("a kill in mid-pour charges the last progress", "[kill]") {
  TempDir folder;
  killed_after(folder, [](Ledger& ledger) {
    need(ledger.begin_pour(beginning(1), this_boot).has_value());
    for (std::int64_t i = 1; i <= 7; ++i) {
      need(ledger.record_progress(progress(1, 50 * i, 10 + i)).has_value());
    }
  });
  Ledger ledger{real_file(folder)};
  CHECK(ledger.queue_counts()->open == 1);
  const auto recovered = ledger.finish_open_pours(at(30));
  REQUIRE(recovered->size() == 1);
  CHECK(recovered->at(0).pour.volume == model::Volume::millilitres(350));
  CHECK(recovered->at(0).pour.price == model::Money{175});
  CHECK(recovered->at(0).pour.duration == std::chrono::seconds{7});
}

TEST_CASE("a kill within a commit leaves nothing of it", "[kill]") {
  TempDir folder;
  killed_after(folder, [](Ledger& ledger) {
    pour(ledger, 1, 100);
    static_cast<void>(ledger.in_one_commit([&ledger]() -> storage::Result<> {
      need(ledger.begin_pour(beginning(2), this_boot).has_value());
      need(ledger.mark_sent({pour_id(1)}, at(20)).has_value());
      die();
    }));
  });
  Ledger ledger{real_file(folder)};
  CHECK(ledger.queue_counts()->open == 0);
  const auto due = ledger.due_pours(10, at(30));
  REQUIRE(due->size() == 1);
  CHECK(due->at(0).status == model::PourStatus::fresh);
}

TEST_CASE("a kill after the end leaves the finished pour", "[kill]") {
  TempDir folder;
  killed_after(folder, [](Ledger& ledger) { pour(ledger, 1, 412); });
  Ledger ledger{real_file(folder)};
  CHECK(ledger.finish_open_pours(at(30))->empty());
  const auto due = ledger.due_pours(10, at(30));
  REQUIRE(due->size() == 1);
  CHECK(due->at(0).volume == model::Volume::millilitres(412));
  CHECK(due->at(0).stop_reason == model::StopReason::card_removed);
}

TEST_CASE("a kill while the answer is awaited sends the row again", "[kill]") {
  TempDir folder;
  killed_after(folder, [](Ledger& ledger) {
    pour(ledger, 1, 100);
    need(ledger.mark_sent({pour_id(1)}, at(20)).has_value());
  });
  Ledger ledger{real_file(folder)};
  const auto due = ledger.due_pours(10, at(30));
  REQUIRE(due->size() == 1);
  CHECK(due->at(0).begin.client_tx_id == pour_id(1));
  CHECK(due->at(0).attempts == 0);
}

TEST_CASE("a kill after the verdict keeps it", "[kill]") {
  TempDir folder;
  killed_after(folder, [](Ledger& ledger) {
    for (std::uint64_t number = 1; number <= 3; ++number) pour(ledger, number, 100);
    need(ledger.mark_sent({pour_id(1), pour_id(2), pour_id(3)}, at(20)).has_value());
    need(ledger
             .apply_verdicts(
                 {verdict(1, Verdict::Kind::confirmed), verdict(2, Verdict::Kind::final_failure),
                  verdict(3, Verdict::Kind::spend_attempt)},
                 10, at(21), at(60))
             .has_value());
  });
  Ledger ledger{real_file(folder)};
  const auto counts = *ledger.queue_counts();
  CHECK(counts.confirmed == 1);
  CHECK(counts.failed == 1);
  CHECK(counts.waiting == 1);
  CHECK(*ledger.ask_marker() == 1);  // Heard in one answer.
  CHECK(ledger.due_pours(10, at(59))->empty());
  CHECK(ledger.due_pours(10, at(60))->size() == 1);
}

TEST_CASE("a kill keeps balances and refusals", "[kill]") {
  TempDir folder;
  killed_after(folder, [](Ledger& ledger) {
    model::Snapshot snapshot;
    snapshot.guests = {{guest(1), "Anna", model::Money{5000}, true}};
    snapshot.cards = {{card(1), guest(1), model::CardStatus::active},
                      {card(2), guest(1), model::CardStatus::active}};
    need(ledger.apply_snapshot(snapshot, 0, at(5), this_boot).has_value());
    need(ledger.hear_card_status(card(2), model::CardStatus::lost, at(6)).has_value());
    need(ledger.begin_pour(beginning(1), this_boot).has_value());
  });
  Ledger ledger{real_file(folder)};
  CHECK(ledger.facts(card(1), model::TapId{1})->available == model::Money{4000});
  CHECK(ledger.facts(card(2), model::TapId{1})->card->status == model::CardStatus::lost);
}

TEST_CASE("a kill while the file is made is no obstacle", "[kill]") {
  for (int i = 0; i < 6; ++i) {
    TempDir folder;
    Child child{[&folder](Pipe& pipe) {
      pipe.write("go");
      const Ledger ledger{real_file(folder)};
      die();
    }};
    REQUIRE(child.pipe().read() == "go");
    // A little later each time: from before the file exists to after it is complete.
    for (int spin = 0; spin < i * 500'000; ++spin) asm volatile("");
    child.kill();
    child.wait();
    Ledger ledger{real_file(folder)};
    pour(ledger, 1, 100);
  }
}

TEST_CASE("whatever was acknowledged before a kill is there, once", "[kill]") {
  Random random{1};
  const FaultyDisk disk;
  TempDir folder;
  std::uint64_t number = 0;
  std::size_t survivors = 0;
  std::set<std::uint64_t> unacknowledged;  // on disk, perhaps as a pour that was only begun
  constexpr int kills = 12;
  for (int round = 0; round < kills; ++round) {
    Child child{[&disk, &folder, number](Pipe& pipe) {
      Ledger ledger{unsynced(disk, folder)};
      need(ledger.finish_open_pours(at(1)).has_value());
      for (std::uint64_t next = number + 1;; ++next) {
        pour(ledger, next, 100);
        pipe.write(std::to_string(next) + "\n");
        confirm(ledger, next);
      }
    }};
    const auto enough = 1 + random.below(30);
    std::string said;
    while (static_cast<std::uint64_t>(std::count(said.begin(), said.end(), '\n')) < enough) {
      const std::string part = child.pipe().read();
      REQUIRE_FALSE(part.empty());
      said += part;
    }
    child.kill();
    CHECK(child.wait() == SIGKILL);
    for (std::string part = child.pipe().read(); !part.empty(); part = child.pipe().read()) {
      said += part;
    }
    std::istringstream acknowledged{said};
    std::uint64_t last = number;
    for (std::uint64_t one = 0; acknowledged >> one; last = one) REQUIRE(one == last + 1);

    Ledger ledger{unsynced(disk, folder)};
    REQUIRE(ledger.finish_open_pours(at(1)).has_value());
    const auto pours = ledger.newest_pours(10'000);
    survivors = pours->size();
    // One more may have been written whose acknowledgement was not.
    REQUIRE(survivors >= last);
    REQUIRE(survivors <= last + 1);
    number = survivors;
    if (survivors > last) unacknowledged.insert(survivors);
    for (std::uint64_t one = 1; one <= last; ++one) {
      const auto& pour = pours->at(static_cast<std::size_t>(survivors - one));
      REQUIRE(pour.begin.client_tx_id == pour_id(one));
      if (unacknowledged.contains(one)) continue;
      REQUIRE(pour.volume == model::Volume::millilitres(100));
    }
  }
  CHECK(survivors > kills);
}

TEST_CASE("a file that may not grow is a full disk, until it may", "[kill][full]") {
  TempDir folder;
  const std::string said = in_child([&folder](Pipe& pipe) {
    const FaultyDisk disk;
    Ledger ledger{unsynced(disk, folder)};
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 300'000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::uint64_t number = 0;
    std::string trouble = "ok";
    while (trouble == "ok" && number < 5000) {
      trouble = outcome(ledger.begin_pour(beginning(++number), this_boot));
      if (trouble == "ok") trouble = outcome(ledger.end_pour(ending(number, 100)));
    }
    pipe.write(trouble + "\n" + std::to_string(ledger.newest_pours(10'000)->size()) + "\n");
    limit.rlim_cur = before;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    static_cast<void>(ledger.finish_open_pours(at(30)));
    pour(ledger, 100'000, 100);
    pipe.write("poured again\n" + std::to_string(ledger.newest_pours(10'000)->size()));
  });
  std::istringstream lines{said};
  std::string trouble;
  std::string again;
  std::size_t before = 0;
  std::size_t after = 0;
  std::getline(lines, trouble);
  lines >> before >> std::ws;
  std::getline(lines, again);
  lines >> after;
  INFO(said);
  CHECK_THAT(trouble, ContainsSubstring("full: ") && ContainsSubstring("free space"));
  CHECK(before >= 1);
  CHECK(again == "poured again");
  CHECK(after > before);
  Ledger ledger{real_file(folder)};
  CHECK(ledger.newest_pours(10'000)->size() == after);
}
