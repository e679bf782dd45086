// Transactions inside transactions: what is undone, what is lost, and what follows a commit.
#include "storage/commits.hpp"

#include <stdexcept>

#include <SQLiteCpp/SQLiteCpp.h>
#include <catch2/catch_test_macros.hpp>

namespace tapd::storage {
namespace {

const Error refusal{Error::Kind::refused, "the test wants it so"};

struct Desk {
  Desk() { database.exec("CREATE TABLE notes (text TEXT)"); }

  Result<> write(const std::string& text) {
    database.exec("INSERT INTO notes VALUES ('" + text + "')");
    return {};
  }
  [[nodiscard]] int count() { return database.execAndGet("SELECT count(*) FROM notes").getInt(); }

  SQLite::Database database{":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  Commits commits{database, "notes.db"};
};

TEST_CASE("what was to follow a commit is forgotten when it is rolled back", "[commits]") {
  Desk desk;
  int followed = 0;
  const auto note = [&] {
    desk.commits.after_commit([&followed] { ++followed; });
    return desk.write("one");
  };
  SECTION("by an error") {
    CHECK_FALSE(desk.commits.run([&]() -> Result<> {
      REQUIRE(note());
      return tl::make_unexpected(refusal);
    }));
  }
  SECTION("by an exception") {
    CHECK_THROWS(desk.commits.run([&]() -> Result<> {
      REQUIRE(note());
      throw std::logic_error{"a mistake"};
    }));
  }
  CHECK(desk.count() == 0);
  REQUIRE(desk.commits.run([&] { return desk.write("two"); }));
  CHECK(followed == 0);
  REQUIRE(desk.commits.run(note));
  CHECK(followed == 1);
}

TEST_CASE("numbers that cannot be counted with are told as a damage", "[commits]") {
  Desk desk;
  Result<> result;
  SECTION("a price that is negative") {
    result = desk.commits.run([&]() -> Result<> {
      REQUIRE(desk.write("one"));
      throw std::domain_error{"a litre price is never negative"};
    });
  }
  SECTION("a sum that does not fit") {
    result = desk.commits.run([&]() -> Result<> {
      REQUIRE(desk.write("one"));
      throw std::overflow_error{"the sum of two amounts does not fit"};
    });
  }
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == Error::Kind::corrupt);
  CHECK(result.error().message.find("notes.db") != std::string::npos);
  CHECK(desk.count() == 0);
}

TEST_CASE("a transaction that SQLite gave up is told with its cause, and nothing joins it",
          "[commits]") {
  Desk desk;
  bool joined = false;
  const Result<> result = desk.commits.run([&]() -> Result<> {
    REQUIRE(desk.write("one"));
    // As SQLite does by itself when the disk fails in the middle.
    CHECK_FALSE(desk.commits.run([&]() -> Result<> {
      desk.database.exec("ROLLBACK");
      return tl::make_unexpected(refusal);
    }));
    const Result<> late = desk.commits.run([&]() -> Result<> {
      joined = true;
      return desk.write("two");
    });
    CHECK_FALSE(late);
    return {};  // As a caller would that has others to serve.
  });
  REQUIRE_FALSE(result);
  CHECK(result.error().message == refusal.message);
  CHECK_FALSE(joined);
  CHECK(desk.count() == 0);
  CHECK(desk.commits.run([&] { return desk.write("three"); }));
  CHECK(desk.count() == 1);
}

}  // namespace
}  // namespace tapd::storage
