// Opening the file: what is refused is refused clearly and left byte for byte as it was; what is
// opened is opened as the design says.
#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "storage/connection.hpp"
#include "storage/database_file.hpp"
#include "storage/medium_blocks.hpp"
#include "storage/start_check.hpp"
#include "tests/storage/bar.hpp"
#include "tests/storage/child.hpp"
#include "tests/storage/files.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using storage::Error;
using storage::Ledger;
using storage::LedgerOptions;
using storage::OpenError;

namespace {

namespace fs = std::filesystem;

// Opening fails with this kind and a message that names the file, and changes no file in the
// folder.
std::string refused_untouched(const TempDir& folder, Error::Kind kind,
                              const fs::path& name = "tap.db") {
  const auto before = content_of(folder.path());
  try {
    const Ledger ledger{LedgerOptions{folder / name, std::nullopt, this_boot}};
  } catch (const OpenError& error) {
    CHECK(error.kind() == kind);
    CHECK_THAT(error.what(), ContainsSubstring((folder / name).string()));
    CHECK(content_of(folder.path()) == before);
    return error.what();
  }
  return "it was opened";
}

// A ledger with many pages in it, closed.
void fill(const fs::path& file, std::uint64_t pours = 300, bool confirmed = false) {
  Ledger ledger{LedgerOptions{file, std::nullopt, this_boot}};
  const auto filled = ledger.in_one_commit([&]() -> storage::Result<> {
    for (std::uint64_t number = 1; number <= pours; ++number) {
      pour(ledger, number, 100);
      if (confirmed) confirm(ledger, number);
    }
    return {};
  });
  REQUIRE(outcome(filled) == "ok");
}

// Made once, for it takes its time: a ledger larger than what each start reads whole.
const std::string& large_ledger() {
  static const std::string bytes = [] {
    TempDir folder;
    fill(folder / "tap.db", 6'500, true);
    return bytes_of(folder / "tap.db");
  }();
  return bytes;
}

}  // namespace

TEST_CASE("a new file is private and made durably, an empty one is taken over", "[opening]") {
  TempDir folder;
  if (GENERATE(false, true)) write_file(folder / "tap.db", "");
  const bool existed = fs::exists(folder / "tap.db");
  {
    Ledger ledger{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
    pour(ledger, 1, 100);
  }
  struct stat status{};
  REQUIRE(::stat((folder / "tap.db").c_str(), &status) == 0);
  if (!existed) CHECK((status.st_mode & 0777U) == 0600U);
  CHECK_FALSE(fs::exists(folder / "tap.db-shm"));
  CHECK_FALSE(fs::exists(folder / "tap.db-wal"));
  Ledger ledger{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
  CHECK(ledger.due_pours(10, at(20))->size() == 1);
  CHECK(*ledger.meta("schema_version") == "3");
}

TEST_CASE("every setting holds once the file is open", "[opening]") {
  TempDir folder;
  storage::Connection connection{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
  auto& database = connection.database();
  const auto pragma = [&database](const std::string& name) {
    return database.execAndGet("PRAGMA " + name).getString();
  };
  CHECK(pragma("locking_mode") == "exclusive");
  CHECK(pragma("journal_mode") == "wal");
  CHECK(pragma("synchronous") == "2");
  CHECK(pragma("foreign_keys") == "1");
  CHECK(pragma("trusted_schema") == "0");
  CHECK(pragma("cell_size_check") == "1");
  CHECK(pragma("page_size") == "4096");
  CHECK(pragma("mmap_size") == "0");
  CHECK(pragma("wal_autocheckpoint") == "0");
  CHECK(pragma("journal_size_limit") == "4194304");
  CHECK(pragma("temp_store") == "2");
  CHECK(pragma("busy_timeout") == "0");
  CHECK(pragma("secure_delete") == "1");
  CHECK(pragma("recursive_triggers") == "1");
  CHECK(pragma("user_version") == "3");
  CHECK(pragma("application_id") == std::to_string(0x74617064));
  int powersafe_overwrite = -1;
  REQUIRE(sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_POWERSAFE_OVERWRITE,
                               &powersafe_overwrite) == SQLITE_OK);
  CHECK(powersafe_overwrite == 0);
}

TEST_CASE("SQLite is told the true blocks of the medium of its log", "[opening]") {
  const int bytes = GENERATE(storage::narrow_blocks, storage::wide_blocks);
  TempDir folder;
  storage::Connection connection{{folder / "tap.db", std::nullopt, this_boot, bytes}};
  auto& database = connection.database();
  database.exec("INSERT INTO meta (key, value) VALUES ('a', 'b')");
  const auto blocks = [&database](int which) {
    sqlite3_file* file = nullptr;
    REQUIRE(sqlite3_file_control(database.getHandle(), "main", which, static_cast<void*>(&file)) ==
            SQLITE_OK);
    REQUIRE(file != nullptr);
    REQUIRE(file->pMethods != nullptr);
    return file->pMethods->xSectorSize(file);
  };
  CHECK(blocks(SQLITE_FCNTL_JOURNAL_POINTER) == bytes);
  CHECK(blocks(SQLITE_FCNTL_FILE_POINTER) == storage::narrow_blocks);
  // The log ends on a whole block, whatever was committed.
  CHECK(static_cast<int>(fs::file_size(folder / "tap.db-wal")) >= bytes);
}

TEST_CASE("media with blocks of any other size are refused", "[opening]") {
  CHECK_THROWS_AS(storage::MediumBlocks(std::nullopt, 512), std::runtime_error);
  CHECK_THROWS_AS(storage::MediumBlocks("no such vfs", storage::wide_blocks), std::runtime_error);
}

TEST_CASE("names that mean something in a URI are names", "[opening]") {
  TempDir folder;
  for (const char* name : {"tap?psow=1.db", "100%25.db", "a#b.db", "two words.db", "ж.db"}) {
    CAPTURE(name);
    {
      const Ledger ledger{LedgerOptions{folder / name, std::nullopt, this_boot}};
    }
    CHECK(fs::exists(folder / name));
  }
  CHECK(std::count_if(
            fs::directory_iterator{folder.path()}, fs::directory_iterator{},
            [](const auto& entry) { return !entry.path().string().ends_with("-guard"); }) == 5);
}

TEST_CASE("a path that leads nowhere is refused", "[opening]") {
  TempDir folder;
  SECTION("no folder") {
    CHECK_THAT(refused_untouched(folder, Error::Kind::io, "bar/tap.db"),
               ContainsSubstring("does not exist; create it"));
  }
  SECTION("a file where the folder should be") {
    write_file(folder / "bar", "text");
    CHECK_THAT(refused_untouched(folder, Error::Kind::io, "bar/tap.db"),
               ContainsSubstring("does not exist; create it"));
  }
  SECTION("a folder where the file should be") {
    fs::create_directory(folder / "tap.db");
    CHECK_THAT(refused_untouched(folder, Error::Kind::io), ContainsSubstring("cannot open"));
  }
}

TEST_CASE("what is not an SQLite database is refused", "[opening]") {
  TempDir folder;
  SECTION("a text") {
    write_file(folder / "tap.db", "Dear diary, " + std::string(5000, 'x'));
    CHECK_THAT(refused_untouched(folder, Error::Kind::corrupt),
               ContainsSubstring("is not an SQLite database"));
  }
  SECTION("a few bytes") {
    write_file(folder / "tap.db", "SQL?");
    CHECK_THAT(refused_untouched(folder, Error::Kind::corrupt),
               ContainsSubstring("is not an SQLite database"));
  }
  SECTION("the beginning of a header") {
    write_file(folder / "tap.db", std::string{"SQLite format 3\0 and", 20});
    CHECK_THAT(refused_untouched(folder, Error::Kind::corrupt),
               ContainsSubstring("cut off within its header"));
  }
}

TEST_CASE("a database of another program is refused", "[opening]") {
  TempDir folder;
  {
    SQLite::Database other{(folder / "tap.db").string(),
                           SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
    if (GENERATE(false, true)) other.exec("PRAGMA application_id = 1234");
    if (GENERATE(false, true)) other.exec("PRAGMA journal_mode = WAL");
    other.exec("CREATE TABLE recipes (name TEXT)");
  }
  CHECK_THAT(refused_untouched(folder, Error::Kind::refused),
             ContainsSubstring("is a database of another program"));
}

TEST_CASE("a database of a newer tapd is refused", "[opening]") {
  TempDir folder;
  fill(folder / "tap.db");
  {
    SQLite::Database newer{(folder / "tap.db").string(), SQLite::OPEN_READWRITE};
    newer.exec("PRAGMA user_version = 99");
  }
  CHECK_THAT(refused_untouched(folder, Error::Kind::refused),
             ContainsSubstring("schema version is 99") && ContainsSubstring("newer tapd"));
}

TEST_CASE("a newer version that stands in the journal only is refused as well", "[opening]") {
  TempDir source;
  TempDir folder;
  fill(source / "tap.db");
  {
    // As a newer tapd leaves it when the power goes: not yet carried over into the file.
    SQLite::Database newer{(source / "tap.db").string(), SQLite::OPEN_READWRITE};
    newer.exec("PRAGMA user_version = 99");
    fs::copy_file(source / "tap.db", folder / "tap.db");
    fs::copy_file(source / "tap.db-wal", folder / "tap.db-wal");
  }
  CHECK_THAT(refused_untouched(folder, Error::Kind::refused),
             ContainsSubstring("schema version is 99"));
}

TEST_CASE("a file cut off in the middle is refused and kept", "[opening]") {
  TempDir folder;
  fill(folder / "tap.db");
  const auto size = fs::file_size(folder / "tap.db");
  REQUIRE(size > 100'000);
  for (const std::uintmax_t left : {size / 2, size - 1, size - 4096, std::uintmax_t{4096},
                                    std::uintmax_t{600}, std::uintmax_t{100}}) {
    TempDir copy;
    fs::copy_file(folder / "tap.db", copy / "tap.db");
    fs::resize_file(copy / "tap.db", left);
    CAPTURE(left);
    CHECK_THAT(refused_untouched(copy, Error::Kind::corrupt),
               ContainsSubstring("restore a backup"));
  }
}

TEST_CASE("a damaged page is found at the opening", "[opening]") {
  TempDir folder;
  fill(folder / "tap.db");
  std::string bytes = bytes_of(folder / "tap.db");
  int found = 0;
  for (std::size_t page = 0; page < bytes.size() / 4096; page += 11) {
    TempDir copy;
    std::string damaged = bytes;
    damaged.replace(page * 4096 + (page == 0 ? 100 : 0), 2000, 2000, '\0');
    write_file(copy / "tap.db", damaged);
    CAPTURE(page);
    CHECK_THAT(refused_untouched(copy, Error::Kind::corrupt),
               ContainsSubstring("restore a backup"));
    ++found;
  }
  CHECK(found > 4);
}

TEST_CASE("a file too large to be read at every start is looked at where it is needed",
          "[opening]") {
  TempDir folder;
  const fs::path file = folder / "tap.db";
  const std::string& bytes = large_ledger();
  REQUIRE(bytes.size() > 4096 * static_cast<std::size_t>(storage::most_pages_read_whole));
  write_file(file, bytes);

  SECTION("cut off: refused") {
    fs::resize_file(file, bytes.size() / 4096 / 2 * 4096);
    CHECK_THAT(refused_untouched(folder, Error::Kind::corrupt), ContainsSubstring("malformed"));
  }
  SECTION("a table of few rows: refused") {
    // Page 2 is the root of the first table, meta.
    std::string damaged = bytes;
    damaged.replace(4096, 2000, 2000, '\0');
    write_file(file, damaged);
    CHECK_THAT(refused_untouched(folder, Error::Kind::corrupt), ContainsSubstring("damaged"));
  }
  SECTION("pages in the middle: opened, noticed in use, refused by the next start") {
    std::string damaged = bytes;
    const std::size_t page = bytes.size() / 4096 / 2;
    constexpr std::size_t pages = 16;  // tables and indexes take turns
    damaged.replace(page * 4096, pages * 4096, pages * 4096, '\0');
    write_file(file, damaged);
    {
      const Ledger ledger{LedgerOptions{file, std::nullopt, this_boot}};
      CHECK_FALSE(storage::suspected(file));
      const auto walk = ledger.verify_chain({}, 10'000);
      CHECK_THAT(outcome(walk), ContainsSubstring("corrupt"));
      CHECK(storage::suspected(file));
    }
    CHECK_THAT(refused_untouched(folder, Error::Kind::corrupt), ContainsSubstring("damaged"));
    CHECK(storage::suspected(file));
  }
  // Its pages are well: only the chain tells. Without this no backup succeeds any more.
  SECTION("one row that was confirmed long ago: refused once it is suspected") {
    std::string damaged = bytes;
    const auto at = damaged.find(model::to_iso8601(test::at(15).wall));
    REQUIRE(at != std::string::npos);
    damaged[at] = '3';
    write_file(file, damaged);
    {
      const Ledger ledger{LedgerOptions{file, std::nullopt, this_boot}};
    }
    storage::suspect(file);
    CHECK_THAT(refused_untouched(folder, Error::Kind::corrupt), ContainsSubstring("pour"));
    CHECK(storage::suspected(file));
  }
  SECTION("suspected and yet whole: the suspicion goes") {
    storage::suspect(file);
    const Ledger ledger{LedgerOptions{file, std::nullopt, this_boot}};
    CHECK_FALSE(storage::suspected(file));
  }
}

TEST_CASE("a first page that its journal still holds is mended", "[opening]") {
  TempDir source;
  TempDir folder;
  {
    Ledger ledger{LedgerOptions{source / "tap.db", std::nullopt, this_boot}};
    pour(ledger, 1, 100);
    fs::copy_file(source / "tap.db", folder / "tap.db");
    fs::copy_file(source / "tap.db-wal", folder / "tap.db-wal");
  }
  // As a power cut in mid-checkpoint may leave it on an SD card.
  std::string damaged = bytes_of(folder / "tap.db");
  damaged.replace(0, 4096, 4096, '\xFF');
  write_file(folder / "tap.db", damaged);
  Ledger ledger{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
  CHECK(ledger.due_pours(10, at(20))->size() == 1);
}

TEST_CASE("another program's database with a living journal is refused", "[opening]") {
  TempDir source;
  TempDir folder;
  {
    SQLite::Database other{(source / "tap.db").string(),
                           SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
    other.exec("PRAGMA journal_mode = WAL");
    other.exec("CREATE TABLE recipes (name TEXT)");
    fs::copy_file(source / "tap.db", folder / "tap.db");
    fs::copy_file(source / "tap.db-wal", folder / "tap.db-wal");
  }
  CHECK_THAT(refused_untouched(folder, Error::Kind::refused),
             ContainsSubstring("is a database of another program"));
}

TEST_CASE("a journal without its database is not thrown away", "[opening]") {
  TempDir source;
  TempDir folder;
  {
    Ledger ledger{LedgerOptions{source / "tap.db", std::nullopt, this_boot}};
    pour(ledger, 1, 100);
    fs::copy_file(source / "tap.db-wal", folder / "tap.db-wal");
  }
  CHECK_THAT(refused_untouched(folder, Error::Kind::corrupt),
             ContainsSubstring("tap.db-wal is there"));
  write_file(folder / "tap.db", "");
  CHECK_THAT(refused_untouched(folder, Error::Kind::corrupt),
             ContainsSubstring("tap.db-wal is there"));
}
