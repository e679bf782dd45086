#include "tests/support/temp_dir.hpp"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <utility>

#include "tests/support/free_port.hpp"

using tapd::test::free_port;
using tapd::test::TempDir;
namespace fs = std::filesystem;

TEST_CASE("a temporary folder is private and gone with its content", "[temp_dir]") {
  fs::path path;
  {
    const TempDir folder;
    path = folder.path();
    REQUIRE(fs::is_directory(path));
    CHECK((fs::status(path).permissions() & (fs::perms::group_all | fs::perms::others_all)) ==
          fs::perms::none);
    fs::create_directories(folder / "deep/er");
    std::ofstream{folder / "deep/er/file"} << "beer";
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a moved temporary folder has one owner", "[temp_dir]") {
  TempDir first;
  const fs::path path = first.path();
  {
    const TempDir second{std::move(first)};
    CHECK(second.path() == path);
    CHECK(fs::exists(path));
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("two temporary folders are two", "[temp_dir]") {
  CHECK(TempDir{}.path() != TempDir{}.path());
  CHECK(fs::is_directory(TempDir{tapd::test::Medium::memory}.path()));
}

TEST_CASE("a free port is one that a server without privileges may bind", "[free_port]") {
  const int port = free_port();
  CHECK(port >= 1024);
  CHECK(port <= 65535);
}
