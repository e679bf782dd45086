// The steps of the schema: up, back, and with what is in a ledger.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "storage/errors.hpp"
#include "storage/migrations.hpp"
#include "storage/sha256.hpp"
#include "tests/storage/bar.hpp"
#include "tests/storage/files.hpp"
#include "tests/storage/restored.hpp"
#include "tests/storage/told.hpp"
#include "tests/support/peak_memory.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string shape_of(SQLite::Database& database) {
  std::string text;
  SQLite::Statement all{database, "SELECT coalesce(sql, '') FROM sqlite_schema ORDER BY name"};
  while (all.executeStep()) text += all.getColumn(0).getString();
  return text;
}

std::string plan_of(SQLite::Database& database, const std::string& asked) {
  std::string plan;
  SQLite::Statement steps{database, "EXPLAIN QUERY PLAN " + asked};
  while (steps.executeStep()) plan += steps.getColumn(3).getString() + "\n";
  return plan;
}

}  // namespace

TEST_CASE("every migration can be taken up, back and up again", "[schema][migrations]") {
  SQLite::Database database{":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  REQUIRE(storage::newest_schema() == static_cast<int>(storage::migrations().size()));
  for (int version = 1; version <= storage::newest_schema(); ++version) {
    const std::string before = shape_of(database);
    storage::migrate(database, version, storage::migrations());
    CHECK(storage::schema_version(database) == version);
    const std::string after = shape_of(database);
    CHECK(after != before);
    storage::migrate(database, version - 1, storage::migrations());
    CHECK(shape_of(database) == before);
    storage::migrate(database, version, storage::migrations());
    CHECK(shape_of(database) == after);
  }
  CHECK(database.execAndGet("SELECT value FROM meta WHERE key = 'schema_version'").getInt() ==
        storage::newest_schema());
}

// A ledger in the field was made by the text that was released, not by the one that stands there
// now: an edit would make two kinds of ledger of one version.
TEST_CASE("released migrations are never edited", "[schema][migrations]") {
  const std::vector<std::string> released{
      "e0de705960e2fe9dd79a6905972613eee7f0fe5fa73a39c3038549b201836849",
      "121ef06892c0f75a2040a00e0b2308865fd3a08f82c2ca8a451dd47a348f9f9c",
      "53b3f4253e8168bdfcbe1692a08caa999ea849c6cdca6cabf8b5b75449668b21",
  };
  REQUIRE(static_cast<int>(released.size()) == storage::newest_schema());
  SQLite::Database database{":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  for (int version = 1; version <= storage::newest_schema(); ++version) {
    CAPTURE(version);
    storage::migrate(database, version, storage::migrations());
    CHECK(storage::sha256(shape_of(database)) ==
          released.at(static_cast<std::size_t>(version - 1)));
  }
}

// What is asked while a tap pours and in every slice of a walk must not read the whole table.
TEST_CASE("the chain is asked through its index", "[schema]") {
  Bar bar;
  bar.close();
  SQLite::Database database{bar.file().string(), SQLite::OPEN_READWRITE};
  for (const std::string asked :
       {"SELECT chain_no, hash FROM pours WHERE chain_no IS NOT NULL ORDER BY chain_no DESC LIMIT "
        "1",
        "SELECT hash FROM pours WHERE chain_no > 5 ORDER BY chain_no LIMIT 10",
        "SELECT hash FROM pours WHERE chain_no <= 5 ORDER BY chain_no DESC LIMIT 1",
        "SELECT max(chain_no) FROM pours WHERE chain_no IS NOT NULL",
        "SELECT max(chain_no) FROM pours WHERE chain_no < 7",
        "DELETE FROM pours WHERE chain_no = 5"}) {
    CAPTURE(asked);
    const std::string plan = plan_of(database, asked);
    CHECK_THAT(plan, ContainsSubstring("pours_chain"));
    CHECK_THAT(plan, !ContainsSubstring("TEMP B-TREE"));
  }
  CHECK_THAT(plan_of(database,
                     "SELECT client_tx_id FROM pours WHERE pour_seq BETWEEN 1 AND 2"
                     " AND chain_no IS NULL AND status <> 'open' LIMIT 1"),
             ContainsSubstring("rowid>? AND rowid<?"));
  // What every start asks.
  CHECK_THAT(plan_of(database,
                     "SELECT client_tx_id FROM pours WHERE status <> 'confirmed'"
                     " AND status = 'open' ORDER BY pour_seq"),
             ContainsSubstring("pours_unconfirmed"));
}

// Laid down as the program of that version would have left it, with what this one writes too.
TEST_CASE("a ledger of every earlier version is opened with all that is in it, after a copy",
          "[schema][migrations]") {
  for (int version = 1; version < storage::newest_schema(); ++version) {
    CAPTURE(version);
    Bar bar;
    REQUIRE(outcome(bar.ledger().apply_snapshot(small_snapshot(), 0, at(5), this_boot)) == "ok");
    for (std::uint64_t number = 1; number <= 5; ++number) pour(bar.ledger(), number, 100);
    confirm(bar.ledger(), 1);
    REQUIRE(outcome(bar.ledger().begin_pour(beginning(6), this_boot)) == "ok");
    REQUIRE(outcome(bar.ledger().audit("anna", "unlock", "tap 1", "", at(9))) == "ok");
    bar.close();
    {
      SQLite::Database database{bar.file().string(), SQLite::OPEN_READWRITE};
      storage::migrate(database, version, storage::migrations());
      REQUIRE(storage::schema_version(database) == version);
    }
    const auto all = [](const std::filesystem::path& file) {
      SQLite::Database database{file.string(), SQLite::OPEN_READONLY};
      return database
          .execAndGet(
              "SELECT (SELECT group_concat(hash || status || volume_ml) FROM pours)"
              " || (SELECT count(*) FROM pours) || (SELECT group_concat(balance_cents) FROM guests)"
              " || (SELECT count(*) FROM audit_log)")
          .getString();
    };
    const std::string before = all(bar.file());
    {
      // The system's files: with the VFS of a test no copy is made.
      std::vector<std::string> told;
      storage::LedgerOptions options{bar.file(), std::nullopt, this_boot};
      options.tell = [&told](const std::string& what) { told.push_back(what); };
      const storage::Ledger opened{options};
      CHECK(opened.newest_pours(10)->size() == 5);
      REQUIRE(told.size() == 1);
      CHECK_THAT(told[0], ContainsSubstring(fmt::format("schema {} becomes", version)) &&
                              ContainsSubstring(fmt::format("tap.db.version-{}", version)));
    }
    CHECK(all(bar.file()) == before);
    CHECK(bar.value("PRAGMA user_version") == std::to_string(storage::newest_schema()));
    const std::filesystem::path copy = bar.file().string() + fmt::format(".version-{}", version);
    REQUIRE(std::filesystem::exists(copy));
    CHECK(all(copy) == before);
    SQLite::Database kept{copy.string(), SQLite::OPEN_READONLY};
    CHECK(storage::schema_version(kept) == version);
    CHECK(kept.execAndGet("PRAGMA integrity_check").getString() == "ok");
  }
}

// Found by reading: after the upgrade tapd did not start any more, with a good backup beside it.
TEST_CASE("a row that the new schema refuses is a damage, and the ledger restored",
          "[schema][migrations]") {
  const TempDir folder;
  const std::filesystem::path file = folder / "tapd.db";
  {
    storage::Ledger ledger{{file, std::nullopt, this_boot}};
    for (std::uint64_t number = 1; number <= 3; ++number) {
      pour(ledger, number, 100);
      confirm(ledger, number);
    }
    back_up(ledger, folder / "backup.db");
  }
  std::string second;
  {
    SQLite::Database database{file.string(), SQLite::OPEN_READWRITE};
    storage::migrate(database, 2, storage::migrations());
    second = database.execAndGet("SELECT hash FROM pours WHERE chain_no = 2").getString();
  }
  // In a row the number in the chain stands before the hash of the row before.
  std::string bytes = bytes_of(file);
  const auto third = bytes.find('\3' + second);
  REQUIRE(third != std::string::npos);
  bytes[third] = '\2';
  write_file(file, bytes);
  const Opened opened = open(folder);
  CHECK(opened.refusal.empty());
  REQUIRE(opened.ledger);
  CHECK_THAT(opened.words(), ContainsSubstring("restored from the backup"));
  CHECK(opened.ledger->newest_pours(10)->size() == 3);
}

// The unit allows tapd 128 MB; a Pi has little more to give.
TEST_CASE("an earlier ledger takes no more memory to open the more pours there are",
          "[schema][migrations]") {
  constexpr std::uint64_t many = 20'000;
  Bar bar;
  REQUIRE(outcome(bar.ledger().in_one_commit([&]() -> storage::Result<> {
            for (std::uint64_t number = 1; number <= many; ++number)
              pour(bar.ledger(), number, 100);
            return {};
          })) == "ok");
  bar.close();
  const PeakMemory memory;
  {
    SQLite::Database database{bar.file().string(), SQLite::OPEN_READWRITE};
    database.exec("PRAGMA temp_store = MEMORY");
    storage::migrate(database, 2, storage::migrations());
  }
  {
    const storage::Ledger opened{{bar.file(), std::nullopt, this_boot}};
    CHECK(opened.queue_counts()->waiting == static_cast<std::int64_t>(many));
  }
#ifndef TAPD_SANITIZED  // A sanitizer keeps what was freed.
  CHECK(memory.grown_kib() < 9'000);
#endif
}

TEST_CASE("the way back to version 1 and up again costs what the servings counted as, no pour",
          "[schema][migrations]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  REQUIRE(outcome(bar.ledger().begin_pour(beginning(2), this_boot)) == "ok");
  const storage::ServingNote note{pour_id(2), "Lager", model::Volume::millilitres(300), {}};
  REQUIRE(outcome(bar.ledger().note_serving(note)) == "ok");
  bar.close();
  REQUIRE(bar.value("SELECT count(*) FROM servings") == "1");
  const std::string pours =
      "SELECT group_concat(pour_seq || status || start_ts || "
      "coalesce(hash, '-') || volume_ml) FROM pours";
  const std::string before = bar.value(pours);
  {
    SQLite::Database database{bar.file().string(), SQLite::OPEN_READWRITE};
    storage::migrate(database, 1, storage::migrations());
  }
  CHECK(bar.value("SELECT value FROM meta WHERE key = 'schema_version'") == "1");
  CHECK(bar.value("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'servings%'") == "0");
  CHECK(bar.value(pours) == before);
  bar.open();
  CHECK(outcome(bar.ledger().note_serving(note)) == "ok");
  CHECK(outcome(bar.ledger().end_pour(ending(2, 50))) == "ok");
  const auto chain = bar.ledger().verify_chain({}, 10);
  REQUIRE(outcome(chain) == "ok");
  CHECK_FALSE(chain->broken);
  CHECK(chain->rows == 2);
}

TEST_CASE("a migration keeps the pours, and the way back refuses to lose them",
          "[schema][migrations]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  bar.close();
  SQLite::Database database{bar.file().string(), SQLite::OPEN_READWRITE};
  CHECK_THROWS_AS(storage::migrate(database, 0, storage::migrations()), storage::Refusal);
  // The steps before, which lose no pour, are done.
  CHECK(storage::schema_version(database) == 1);
  CHECK(database.execAndGet("SELECT count(*) FROM pours").getInt() == 1);
  storage::migrate(database, storage::newest_schema(), storage::migrations());

  std::vector<storage::Migration> steps{storage::migrations().begin(), storage::migrations().end()};
  const int next = storage::newest_schema() + 1;
  steps.push_back({next, "ALTER TABLE pours ADD COLUMN foam_ml INTEGER",
                   "ALTER TABLE pours DROP COLUMN foam_ml", "SELECT 0"});
  storage::migrate(database, next, steps);
  CHECK(database.execAndGet("SELECT count(*) FROM pours WHERE foam_ml IS NULL").getInt() == 1);
  CHECK(database.execAndGet("SELECT value FROM meta WHERE key = 'schema_version'").getInt() ==
        next);
  storage::migrate(database, next - 1, steps);
  CHECK(database.execAndGet("SELECT count(*) FROM pours").getInt() == 1);

  steps.back().up = "ALTER TABLE pours ADD COLUMN foam_ml INTEGER; SELECT nonsense";
  CHECK_THROWS_AS(storage::migrate(database, next, steps), SQLite::Exception);
  CHECK(storage::schema_version(database) == storage::newest_schema());
  CHECK(database
            .execAndGet("SELECT count(*) FROM pragma_table_info('pours')"
                        " WHERE name = 'foam_ml'")
            .getInt() == 0);
}
