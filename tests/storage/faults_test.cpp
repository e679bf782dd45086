// A disk that fails at every single operation of a scenario, once or until it is mended, while the
// ledger is in use and while it is opened.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <functional>
#include <vector>

#include "tests/storage/bar.hpp"
#include "tests/storage/faulty_disk.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using storage::Ledger;
using storage::Result;
using storage::Verdict;

namespace {

namespace fs = std::filesystem;

using Step = std::function<Result<>(Ledger&)>;

Result<> done(const Result<model::Pour>& result) {
  if (!result) return tl::make_unexpected(result.error());
  return {};
}

model::Snapshot some_snapshot() {
  model::Snapshot snapshot;
  snapshot.revision = 7;
  for (int number = 1; number <= 40; ++number) {
    snapshot.guests.push_back({guest(number), "Anna", model::Money{5000}, true});
    snapshot.cards.push_back({card(number), guest(number), model::CardStatus::active});
  }
  return snapshot;
}

// An evening in small: each step is one commit.
std::vector<Step> evening() {
  return {
      [](Ledger& l) { return l.apply_snapshot(some_snapshot(), 0, at(5), this_boot); },
      [](Ledger& l) { return l.begin_pour(beginning(1), this_boot); },
      [](Ledger& l) { return l.record_progress(progress(1, 100, 11)); },
      [](Ledger& l) { return l.record_progress(progress(1, 200, 12)); },
      [](Ledger& l) { return done(l.end_pour(ending(1, 300))); },
      [](Ledger& l) { return l.mark_sent({pour_id(1)}, at(20)); },
      [](Ledger& l) {
        return l.apply_verdicts({verdict(1, Verdict::Kind::confirmed)}, 10, at(21), at(30));
      },
      [](Ledger& l) {
        return l.in_one_commit([&l]() -> Result<> {
          if (auto begun = l.begin_pour(beginning(2), this_boot); !begun) return begun;
          return done(l.end_pour(ending(2, 50)));
        });
      },
  };
}

// What the evening comes to, in one line.
std::string sum_up(Ledger& ledger) {
  std::string text;
  const auto pours = ledger.newest_pours(10);
  if (!pours) return outcome(pours);
  for (const auto& pour : *pours) {
    text += pour.begin.client_tx_id.short_id() + " " + model::to_text(pour.volume) + " " +
            std::string{model::to_text(pour.status)} + "; ";
  }
  const auto counts = ledger.queue_counts();
  const auto facts = ledger.facts(card(40), model::TapId{1});
  return text + std::to_string(counts->open) + " open, marker " +
         std::to_string(*ledger.ask_marker()) + ", guest " +
         (facts->guest ? model::to_text(facts->available) : "unknown");
}

struct Fault {
  int code;
  bool persists;
  storage::Error::Kind kind;
};

storage::LedgerOptions on(const FaultyDisk& disk, const TempDir& folder) {
  return {folder / "tap.db", disk.name(), this_boot};
}

// A ledger that nothing was written to yet. Made once: making it takes longer than the evening.
void lay_out_empty(const fs::path& file) {
  static const TempDir kept;
  static const fs::path empty = [] {
    const FaultyDisk disk;
    const Ledger made{on(disk, kept)};
    return kept / "tap.db";
  }();
  fs::copy_file(empty, file);
}

std::string undisturbed() {
  FaultyDisk disk;
  TempDir folder;
  Ledger ledger{on(disk, folder)};
  for (const Step& step : evening()) REQUIRE(outcome(step(ledger)) == "ok");
  return sum_up(ledger);
}

const std::vector<Fault> faults{
    {SQLITE_FULL, true, storage::Error::Kind::full},
    {SQLITE_IOERR_WRITE, true, storage::Error::Kind::io},
    {SQLITE_IOERR_FSYNC, false, storage::Error::Kind::io},
};

}  // namespace

TEST_CASE("whichever write fails, the call says so, changes nothing, and works again later",
          "[faults]") {
  const std::string expected = undisturbed();
  const Fault fault = GENERATE(from_range(faults));
  std::size_t cut = 1;
  for (bool reached = true; reached; ++cut) {
    FaultyDisk disk;
    TempDir folder;
    lay_out_empty(folder / "tap.db");
    {
      Ledger ledger{on(disk, folder)};
      disk.fail(cut, fault.code, fault.persists);
      for (const Step& step : evening()) {
        const std::string before = sum_up(ledger);
        const bool was_failed = disk.has_failed();
        const Result<> result = step(ledger);
        if (result) continue;
        CAPTURE(cut, fault.code, fault.persists, result.error().message);
        REQUIRE(result.error().kind == fault.kind);
        REQUIRE_THAT(result.error().message, ContainsSubstring("tap.db"));
        REQUIRE_FALSE(was_failed);
        REQUIRE(sum_up(ledger) == before);
        if (fault.persists) REQUIRE(outcome(step(ledger)) != "ok");
        disk.heal();
        REQUIRE(outcome(step(ledger)) == "ok");
      }
      reached = disk.has_failed();
      disk.heal();
      REQUIRE(sum_up(ledger) == expected);
    }
    Ledger again{on(disk, folder)};
    REQUIRE(sum_up(again) == expected);
  }
  CHECK(cut > 40);
}

TEST_CASE("whichever write fails while the file is made, the next opening makes it", "[faults]") {
  const Fault fault = GENERATE(from_range(faults));
  std::size_t cut = 1;
  for (bool reached = true; reached; ++cut) {
    FaultyDisk disk;
    TempDir folder;
    disk.fail(cut, fault.code, fault.persists);
    try {
      const Ledger ledger{on(disk, folder)};
    } catch (const storage::OpenError& error) {
      CAPTURE(cut, fault.code);
      REQUIRE_THAT(error.what(), ContainsSubstring("tap.db"));
      REQUIRE(error.kind() == fault.kind);
    }
    reached = disk.has_failed();
    disk.heal();
    Ledger ledger{on(disk, folder)};
    pour(ledger, 1, 100);
    REQUIRE(ledger.due_pours(10, at(20))->size() == 1);
  }
  CHECK(cut > 20);
}

TEST_CASE("a full disk refuses a pour and keeps what is there", "[faults]") {
  FaultyDisk disk;
  TempDir folder;
  Ledger ledger{on(disk, folder)};
  pour(ledger, 1, 100);
  REQUIRE(outcome(ledger.begin_pour(beginning(2), this_boot)) == "ok");
  disk.fail(1, SQLITE_FULL, true);
  CHECK_THAT(outcome(ledger.end_pour(ending(2, 200))),
             ContainsSubstring("full: ") && ContainsSubstring("free space"));
  model::PourBegin elsewhere = beginning(3);
  elsewhere.tap_id = model::TapId{2};
  CHECK_THAT(outcome(ledger.begin_pour(elsewhere, this_boot)), ContainsSubstring("full: "));
  CHECK(ledger.queue_counts()->open == 1);
  CHECK(ledger.due_pours(10, at(20))->size() == 1);
  disk.heal();
  CHECK(outcome(ledger.end_pour(ending(2, 200))) == "ok");
  CHECK(ledger.due_pours(10, at(20))->size() == 2);
}

TEST_CASE("a pour costs the card little, and each commit is synced", "[faults][wear]") {
  struct Medium {
    int blocks;
    std::int64_t most_bytes_per_pour;
  };
  const Medium medium = GENERATE(Medium{4'096, 200 * 1024}, Medium{16'384, 480 * 1024});
  FaultyDisk disk;
  TempDir folder;
  storage::LedgerOptions options = on(disk, folder);
  options.medium_blocks = medium.blocks;
  Ledger ledger{options};
  for (std::uint64_t number = 1; number <= 200; ++number) pour(ledger, number, 100);

  const std::int64_t bytes_before = disk.bytes_written();
  const std::int64_t syncs_before = disk.syncs();
  constexpr std::int64_t pours = 100;
  constexpr std::int64_t checkpoints = 10;
  for (std::uint64_t number = 1000; number < 1000 + pours; ++number) {
    REQUIRE(outcome(ledger.begin_pour(beginning(number), this_boot)) == "ok");
    for (std::int64_t i = 1; i <= checkpoints; ++i) {
      REQUIRE(outcome(ledger.record_progress(progress(number, 40 * i))) == "ok");
    }
    REQUIRE(outcome(ledger.end_pour(ending(number, 412))) == "ok");
    confirm(ledger, number);
  }
  const std::int64_t bytes_per_pour = (disk.bytes_written() - bytes_before) / pours;
  const std::int64_t syncs_per_pour = (disk.syncs() - syncs_before) / pours;
  // Begin, ten times progress, end, sent, confirmed: fourteen commits, each padded to a block.
  constexpr std::int64_t commits = checkpoints + 4;
  CAPTURE(bytes_per_pour, syncs_per_pour);
  CHECK(syncs_per_pour >= commits);
  CHECK(syncs_per_pour <= commits + 2);
  CHECK(bytes_per_pour < medium.most_bytes_per_pour);
}
