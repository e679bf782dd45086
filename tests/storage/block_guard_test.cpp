// Pages beside those that a checkpoint moves: spoilt when the power goes, they are put back at the
// next start; kept pages that do not belong to the log that is there change nothing.
#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "storage/block_guard.hpp"
#include "storage/chain_walk.hpp"
#include "storage/connection.hpp"
#include "storage/medium_blocks.hpp"
#include "tests/storage/bar.hpp"
#include "tests/storage/child.hpp"
#include "tests/storage/files.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using storage::guard_of;
using storage::Ledger;
using storage::LedgerOptions;

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t pours_before = 300;
constexpr std::size_t page_size = 4096;

sqlite3_vfs& system_vfs() {
  return *sqlite3_vfs_find(nullptr);
}

/// A ledger of many pages that changes few of them: one that stands between others.
struct Evening {
  Evening() {
    Ledger ledger{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
    const auto filled = ledger.in_one_commit([&]() -> storage::Result<> {
      for (std::uint64_t number = 1; number <= pours_before; ++number) pour(ledger, number, 100);
      return {};
    });
    REQUIRE(outcome(filled) == "ok");
  }
  /// As the power leaves the files right after a checkpoint: the log is still there.
  void checkpoint_and_cut(const fs::path& left) const {
    storage::Connection connection{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
    SQLite::Database& database = connection.database();
    database.exec("UPDATE pours SET status = 'sent', attempts = 1 WHERE pour_seq = 150");
    storage::BlockGuard guard{system_vfs(), folder / "tap.db", 16'384};
    REQUIRE(guard.checkpoint(database.getHandle(), SQLITE_CHECKPOINT_PASSIVE) == SQLITE_OK);
    for (const char* suffix : {"", "-wal", "-guard"}) {
      fs::copy_file(folder.path() / (std::string{"tap.db"} + suffix),
                    left / (std::string{"tap.db"} + suffix));
    }
  }
  TempDir folder;
};

std::uint32_t page_number(const std::string& kept, std::size_t at) {
  std::uint32_t page = 0;
  std::copy_n(kept.begin() + static_cast<std::ptrdiff_t>(at), sizeof(page),
              reinterpret_cast<char*>(&page));
  return page;
}

/// The first page that was kept: where its number stands is the format's business
/// (block_guard.cpp): what it is, hash, generation, count.
std::size_t place_of_first_kept(const fs::path& ledger) {
  constexpr std::size_t before = 13 + 64 + 8 + 4;
  const std::string kept = bytes_of(guard_of(ledger));
  REQUIRE(kept.size() > before + page_size);
  const std::uint32_t page = page_number(kept, before);
  REQUIRE(page > 1);
  return (page - 1) * page_size;
}

void spoil(const fs::path& file, std::size_t from, std::size_t size = page_size) {
  std::string bytes = bytes_of(file);
  REQUIRE(bytes.size() >= from + size);
  for (std::size_t i = from; i < from + size; ++i) bytes[i] = static_cast<char>(~bytes[i]);
  write_file(file, bytes);
}

/// What the power has left of such an evening: one page that was kept is spoilt.
struct CutOff {
  explicit CutOff(const Evening& evening) {
    evening.checkpoint_and_cut(folder.path());
    whole = bytes_of(file);
    spoil(file, place_of_first_kept(file));
    spoilt = bytes_of(file);
  }
  TempDir folder;
  fs::path file{folder / "tap.db"};
  std::string whole;
  std::string spoilt;
};

/// As a ledger opens them, and leaves them.
std::uint64_t pours_in(const fs::path& file) {
  {
    const Ledger ledger{LedgerOptions{file, std::nullopt, this_boot}};
  }
  SQLite::Database database{file.string(), SQLite::OPEN_READWRITE};
  CHECK(database.execAndGet("PRAGMA integrity_check").getString() == "ok");
  return static_cast<std::uint64_t>(database.execAndGet("SELECT count(*) FROM pours").getInt64());
}

}  // namespace

TEST_CASE("a page spoilt beside one that was moved is put back at the next start", "[guard]") {
  const CutOff left{Evening{}};
  const fs::path& file = left.file;

  CHECK(outcome(storage::verify_file(file)) == "ok");
  CHECK(bytes_of(file) == left.spoilt);
  CHECK(storage::put_back(system_vfs(), file) == 1);
  CHECK(bytes_of(file) == left.whole);
  CHECK(storage::put_back(system_vfs(), file) == 0);

  spoil(file, place_of_first_kept(file));
  CHECK(pours_in(file) == pours_before);
}

TEST_CASE("kept pages that do not stand for what is there are left alone", "[guard]") {
  const CutOff left{Evening{}};
  const fs::path& file = left.file;

  SECTION("another log") {
    // The salts, with the checksums of header and frames no longer right.
    spoil(left.folder / "tap.db-wal", 16, 8);
  }
  SECTION("no log: everything had been moved") {
    fs::remove(left.folder / "tap.db-wal");
  }
  SECTION("kept pages that were torn themselves") {
    spoil(guard_of(file), 200, 512);
  }
  SECTION("kept pages that are cut off") {
    fs::resize_file(guard_of(file), fs::file_size(guard_of(file)) - 1);
  }
  SECTION("nothing in it") {
    fs::resize_file(guard_of(file), 0);
  }
  SECTION("something else in it") {
    write_file(guard_of(file), std::string(10'000, 't'));
  }
  SECTION("no kept pages") {
    fs::remove(guard_of(file));
  }
  CHECK(storage::put_back(system_vfs(), file) == 0);
  CHECK(bytes_of(file) == left.spoilt);
}

TEST_CASE("a shorter list of kept pages counts, whatever stood in the file before", "[guard]") {
  const Evening evening;
  write_file(guard_of(evening.folder / "tap.db"), std::string(1'000'000, 'x'));
  const CutOff left{evening};
  CHECK(fs::file_size(guard_of(left.file)) == 1'000'000);
  CHECK(storage::put_back(system_vfs(), left.file) == 1);
}

TEST_CASE("as many pages are kept as stand beside", "[guard]") {
  const Evening evening;
  const fs::path file = evening.folder / "tap.db";
  {
    storage::Connection connection{LedgerOptions{file, std::nullopt, this_boot}};
    SQLite::Database& database = connection.database();
    // In a hundred places, a block from each other: more than any VFS writes at once.
    database.exec(
        "CREATE TABLE many (number INTEGER PRIMARY KEY, content TEXT);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
        " INSERT INTO many SELECT i, printf('%.4000c', 'x') FROM n");
    storage::BlockGuard guard{system_vfs(), file, 16'384};
    REQUIRE(guard.checkpoint(database.getHandle(), SQLITE_CHECKPOINT_TRUNCATE) == SQLITE_OK);
    database.exec("UPDATE many SET content = printf('%.4000c', 'y') WHERE number % 8 = 0");
    REQUIRE(guard.checkpoint(database.getHandle(), SQLITE_CHECKPOINT_PASSIVE) == SQLITE_OK);
  }
  CHECK(fs::file_size(guard_of(file)) > 100 * page_size);
  CHECK(pours_in(file) == pours_before);
}

TEST_CASE("a ledger that another process holds is not written to", "[guard]") {
  const CutOff left{Evening{}};
  const fs::path& file = left.file;
  SQLite::Database holder{file.string(), SQLite::OPEN_READWRITE};
  holder.exec("PRAGMA locking_mode = EXCLUSIVE");
  REQUIRE(holder.execAndGet("PRAGMA application_id").getInt() != 0);
  CHECK(in_child([&file](Pipe& to_parent) {
          to_parent.write(std::to_string(storage::put_back(system_vfs(), file)));
        }) == "0");
  CHECK(bytes_of(file) == left.spoilt);
}

TEST_CASE("a log with fewer frames than there should be is not moved", "[guard]") {
  const Evening evening;
  storage::Connection connection{LedgerOptions{evening.folder / "tap.db", std::nullopt, this_boot}};
  SQLite::Database& database = connection.database();
  database.exec("UPDATE pours SET status = 'sent', attempts = 1 WHERE pour_seq = 150");
  storage::BlockGuard guard{system_vfs(), evening.folder / "tap.db", 16'384};
  CHECK(guard.checkpoint(database.getHandle(), SQLITE_CHECKPOINT_PASSIVE, 1'000) == SQLITE_CORRUPT);
  CHECK(guard.checkpoint(database.getHandle(), SQLITE_CHECKPOINT_PASSIVE) == SQLITE_OK);
}

TEST_CASE("where no pages can be kept the log keeps everything, and a start says why", "[guard]") {
  const Evening evening;
  const fs::path file = evening.folder / "tap.db";
  fs::remove(guard_of(file));
  fs::create_directory(guard_of(file));
  constexpr std::uint64_t more = 200;
  {
    Ledger ledger{LedgerOptions{file, std::nullopt, this_boot}};
    for (std::uint64_t number = 1; number <= more; ++number) {
      pour(ledger, pours_before + number, 100);
    }
  }
  CHECK(fs::file_size(evening.folder / "tap.db-wal") > 400 * page_size);
  try {
    const Ledger ledger{LedgerOptions{file, std::nullopt, this_boot}};
    FAIL("it was opened");
  } catch (const storage::OpenError& error) {
    CHECK(error.kind() == storage::Error::Kind::io);
    CHECK_THAT(error.what(), ContainsSubstring(guard_of(file).string()));
  }
  fs::remove(guard_of(file));
  CHECK(pours_in(file) == pours_before + more);
}

TEST_CASE("media with small blocks need no kept pages", "[guard]") {
  TempDir folder;
  {
    Ledger ledger{
        LedgerOptions{folder / "tap.db", std::nullopt, this_boot, storage::narrow_blocks}};
    pour(ledger, 1, 100);
  }
  CHECK_FALSE(fs::exists(guard_of(folder / "tap.db")));
}
