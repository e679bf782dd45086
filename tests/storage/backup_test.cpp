// Copies of the ledger: what they hold, which are kept, and how one that cannot be made is given
// up.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "storage/backup.hpp"
#include "storage/page_scan.hpp"
#include "storage/upkeep.hpp"
#include "tests/storage/bar.hpp"
#include "tests/storage/files.hpp"
#include "tests/storage/restored.hpp"
#include "tests/storage/told.hpp"
#include "tests/support/small_disk.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

TEST_CASE("a copy made in parts holds what was committed meanwhile", "[restoring]") {
  Bar bar;
  for (std::uint64_t number = 1; number <= 30; ++number) pour(bar.ledger(), number, 100);
  const fs::path copy = bar.file().parent_path() / "copy";
  const std::string before = *bar.ledger().state_of_books();
  REQUIRE(outcome(bar.ledger().begin_copy(copy)) == "ok");
  std::uint64_t number = 31;
  while (!*bar.ledger().continue_copy(2)) pour(bar.ledger(), number++, 100);
  CHECK(number > 33);
  CHECK(*bar.ledger().state_of_books() != before);
  REQUIRE(outcome(storage::keep_copy(copy, bar.file().parent_path() / "backup")) == "ok");
  bar.close();
  fs::rename(bar.file().parent_path() / "backup", bar.file());
  bar.open();
  CHECK(bar.ledger().newest_pours(1'000)->size() == number - 1);
}

TEST_CASE("a backup tells what it holds, so that nothing is copied twice", "[restoring]") {
  Bar bar;
  const fs::path backup = bar.file().parent_path() / "backup.db";
  CHECK(storage::books_of_copy(backup).empty());
  pour(bar.ledger(), 1, 100);
  back_up(bar.ledger(), backup);
  CHECK(storage::books_of_copy(backup) == *bar.ledger().state_of_books());
  bar.reopen();
  CHECK(storage::books_of_copy(backup) == *bar.ledger().state_of_books());
  pour(bar.ledger(), 2, 100);
  CHECK(storage::books_of_copy(backup) != *bar.ledger().state_of_books());
}

TEST_CASE("two backups are kept, and a copy that is not good is none", "[restoring]") {
  Bar bar;
  const fs::path backup = bar.file().parent_path() / "backup.db";
  for (std::uint64_t number = 1; number <= 3; ++number) {
    pour(bar.ledger(), number, 100);
    back_up(bar.ledger(), backup);
  }
  bar.close();
  for (const fs::path& name : storage::backup_names(backup)) {
    CHECK_FALSE(storage::fault_of_copy(name));
  }
  CHECK(bytes_of(backup) != bytes_of(storage::backup_names(backup).back()));
  const std::string kept = bytes_of(backup);
  std::string damaged = kept;
  // The newest rows stand at the end of their page.
  const int page = std::stoi(bar.value("SELECT rootpage FROM sqlite_schema WHERE name = 'pours'"));
  damaged.replace(static_cast<std::size_t>(page) * storage::ledger_page_size - 300, 300, 300,
                  '\xA5');
  write_file(storage::unfinished_name(backup), damaged);
  CHECK(outcome(storage::keep_copy(storage::unfinished_name(backup), backup)) != "ok");
  CHECK(bytes_of(backup) == kept);
  CHECK_FALSE(fs::exists(storage::unfinished_name(backup)));
}

// Found by reading: the check knew no stop, and a reload had to wait for it.
TEST_CASE("the check of a copy ends as soon as it is given up, and leaves nothing", "[restoring]") {
  Bar bar;
  const fs::path backup = bar.file().parent_path() / "backup.db";
  const fs::path copy = storage::unfinished_name(backup);
  for (std::uint64_t number = 1; number <= 200; ++number) pour(bar.ledger(), number, 100);
  back_up(bar.ledger(), backup);
  const std::string good = bytes_of(backup);
  fs::remove(backup);
  const auto asked_until = [&](int patience) {
    write_file(copy, good);
    int asked = 0;
    const auto kept = storage::keep_copy(copy, backup, [&] { return ++asked > patience; });
    CHECK_FALSE(fs::exists(copy));
    CHECK(fs::exists(backup) == kept.has_value());
    if (!kept) CHECK(asked <= patience + 2);
    if (!kept) CHECK(kept.error().kind == storage::Error::Kind::refused);
    fs::remove(backup);
    return kept.has_value() ? 0 : asked;
  };
  int times = 0;
  while (asked_until(times) > 0) ++times;
  CHECK(times > 10);  // So often it is asked of a copy of so few pours.
}

// Found by reading: the refusal of a copy in parts went through as an exception, and tapd ended, a
// minute after each start.
TEST_CASE("a backup that finds too little room is given up with a word, and leaves nothing",
          "[backup]") {
  const SmallDisk medium{"512k"};
  if (!medium.mounted()) SKIP("no file system can be mounted here (root only)");
  Bar bar;
  pour(bar.ledger(), 1, 100);
  const auto copy = medium / "copy";
  REQUIRE(outcome(bar.ledger().begin_copy(copy)) == "ok");
  const auto part = bar.ledger().continue_copy(2);
  CHECK_THAT(outcome(part), ContainsSubstring("refused: there is no room for a backup"));
  bar.ledger().drop_copy();
  CHECK_FALSE(std::filesystem::exists(copy));
  pour(bar.ledger(), 2, 100);
}
