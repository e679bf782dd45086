// Whose file it is: one owner, one process; anybody else is told so and changes nothing.
#include <unistd.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/storage/bar.hpp"
#include "tests/storage/child.hpp"
#include "tests/storage/files.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using storage::Ledger;
using storage::LedgerOptions;
using storage::OpenError;

namespace {

namespace fs = std::filesystem;

void make_ledger(const TempDir& folder) {
  Ledger ledger{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
  pour(ledger, 1, 100);
}

// What somebody else is told who opens it.
std::string told_to_nobody(const TempDir& folder) {
  return in_child([&folder](Pipe& to_parent) {
    drop_root();
    try {
      const Ledger ledger{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
    } catch (const OpenError& error) {
      to_parent.write(error.what());
    }
  });
}

}  // namespace

TEST_CASE("a file that cannot be written is refused", "[opening]") {
  TempDir folder;
  make_ledger(folder);
  fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::others_exec);
  fs::permissions(folder / "tap.db", fs::perms::owner_read | fs::perms::others_read);
  const auto before = content_of(folder.path());
  CHECK_THAT(told_to_nobody(folder), ContainsSubstring("tap.db") &&
                                         ContainsSubstring("Permission denied") &&
                                         ContainsSubstring("write permission"));
  CHECK(content_of(folder.path()) == before);
}

TEST_CASE("another user's ledger is refused, though it could be written", "[opening]") {
  if (::geteuid() != 0) SKIP("only root can give a file away");
  TempDir folder;
  make_ledger(folder);
  fs::permissions(folder.path(), fs::perms::all);
  fs::permissions(folder / "tap.db", fs::perms::all);
  const auto before = content_of(folder.path());
  SECTION("by whoever is not its owner") {
    CHECK_THAT(told_to_nobody(folder), ContainsSubstring("tap.db") &&
                                           ContainsSubstring("belongs to the user with id 0") &&
                                           ContainsSubstring("chown"));
  }
  SECTION("by root as well, whose journal its owner could not open") {
    constexpr uid_t owner = 12'345;
    REQUIRE(::chown((folder / "tap.db").c_str(), owner, owner) == 0);
    std::string told;
    try {
      const Ledger ledger{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
    } catch (const OpenError& error) {
      told = error.what();
    }
    CHECK_THAT(told, ContainsSubstring("belongs to the user with id 12345"));
  }
  CHECK(content_of(folder.path()) == before);
}

TEST_CASE("two processes never share the file", "[opening]") {
  TempDir folder;
  Ledger ledger{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
  pour(ledger, 1, 100);
  const std::string message = in_child([&folder](Pipe& to_parent) {
    try {
      const Ledger second{LedgerOptions{folder / "tap.db", std::nullopt, this_boot}};
    } catch (const OpenError& error) {
      to_parent.write(error.what());
    }
  });
  CHECK_THAT(message, ContainsSubstring("another process holds it"));
  pour(ledger, 2, 100);
  CHECK(ledger.due_pours(10, at(20))->size() == 2);
}
