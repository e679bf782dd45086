// Whoever changes a finished pour by hand is found out: every column, a row removed, two exchanged,
// a hash put right for one row only.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "storage/chain.hpp"
#include "storage/chain_walk.hpp"
#include "tests/storage/bar.hpp"

using namespace tapd;
using namespace tapd::test;
using Catch::Matchers::ContainsSubstring;
using storage::ChainPosition;
using storage::ChainSlice;

namespace {

// Five pours, all confirmed, closed.
void five_pours(Bar& bar) {
  for (std::uint64_t number = 1; number <= 5; ++number) {
    pour(bar.ledger(), number, 100 + static_cast<std::int64_t>(number));
    confirm(bar.ledger(), number);
  }
  bar.close();
}

// As somebody with the sqlite3 shell would: no trigger and no check stands in the way.
void by_hand(const Bar& bar, const std::string& statement) {
  SQLite::Database database{bar.file().string(), SQLite::OPEN_READWRITE};
  database.exec("PRAGMA ignore_check_constraints = ON");
  for (const char* trigger : {"pours_keep_their_beginning", "pours_are_immutable",
                              "pours_move_forward", "pours_stay", "pours_begin_open"}) {
    database.exec(fmt::format("DROP TRIGGER IF EXISTS {}", trigger));
  }
  database.exec(statement);
}

ChainSlice walked(const Bar& bar) {
  const auto slice = storage::verify_file(bar.file());
  REQUIRE(outcome(slice) == "ok");
  return *slice;
}

// The right hash for what row `chain_no` says now.
std::string right_hash(const Bar& bar, int chain_no) {
  std::vector<std::optional<std::string>> content;
  for (const std::string_view column : storage::hashed_columns()) {
    content.push_back(bar.value(
        fmt::format("SELECT CAST({} AS TEXT) FROM pours WHERE chain_no = {}", column, chain_no)));
  }
  return storage::chain_hash(content);
}

}  // namespace

TEST_CASE("a chain as tapd writes it is whole, in one walk and in slices", "[chain]") {
  Bar bar;
  CHECK(bar.ledger().verify_chain({}, 10)->at_end);
  five_pours(bar);
  CHECK(walked(bar).rows == 5);
  CHECK(walked(bar).at_end);
  CHECK_FALSE(walked(bar).broken);
  bar.open();
  ChainPosition position;
  std::int64_t rows = 0;
  for (int slices = 1;; ++slices) {
    REQUIRE(slices <= 3);
    const auto slice = bar.ledger().verify_chain(position, 2);
    REQUIRE(outcome(slice) == "ok");
    REQUIRE_FALSE(slice->broken);
    rows += slice->rows;
    position = slice->reached;
    if (slice->at_end) break;
  }
  CHECK(rows == 5);
}

TEST_CASE("a row changed by hand in any column that a pour says is named", "[chain]") {
  std::vector<std::string> columns{storage::hashed_columns().begin(),
                                   storage::hashed_columns().end()};
  columns.insert(columns.end(), {"hash", "price_cents_per_litre"});
  for (const std::string& column : columns) {
    CAPTURE(column);
    Bar bar;
    five_pours(bar);
    by_hand(bar, fmt::format("UPDATE pours SET {0} = iif(typeof({0}) = 'integer', {0} + 100,"
                             " CAST('1' || substr({0}, 2) || 'x' AS TEXT)) WHERE chain_no = 3",
                             column));
    const ChainSlice slice = walked(bar);
    REQUIRE(slice.broken);
    CHECK(slice.broken->chain_no >= 3);
    if (column != "chain_no") CHECK(slice.broken->chain_no == 3);
    CHECK(slice.rows >= 2);
  }
}

TEST_CASE("a row that forgot its keg is named", "[chain]") {
  Bar bar;
  five_pours(bar);
  by_hand(bar, "UPDATE pours SET keg_id = NULL WHERE chain_no = 4");
  CHECK(walked(bar).broken->chain_no == 4);
}

TEST_CASE("a removed row is missed", "[chain]") {
  Bar bar;
  five_pours(bar);
  SECTION("in the middle") {
    by_hand(bar, "DELETE FROM pours WHERE chain_no = 3");
    CHECK(walked(bar).broken->chain_no == 4);
    CHECK_THAT(walked(bar).broken->what, ContainsSubstring("rows 3 to 3"));
  }
  SECTION("at the beginning") {
    by_hand(bar, "DELETE FROM pours WHERE chain_no < 3");
    CHECK(walked(bar).broken->chain_no == 3);
  }
  SECTION("and the numbers closed up behind it") {
    by_hand(bar,
            "DELETE FROM pours WHERE chain_no = 3;"
            "UPDATE pours SET chain_no = 3 WHERE chain_no = 4;"
            "UPDATE pours SET chain_no = 4 WHERE chain_no = 5");
    CHECK(walked(bar).broken->chain_no == 3);
  }
}

TEST_CASE("two exchanged rows are named", "[chain]") {
  Bar bar;
  five_pours(bar);
  by_hand(bar,
          "UPDATE pours SET chain_no = 100 WHERE chain_no = 2;"
          "UPDATE pours SET chain_no = 2 WHERE chain_no = 3;"
          "UPDATE pours SET chain_no = 3 WHERE chain_no = 100");
  CHECK(walked(bar).broken->chain_no == 2);
}

TEST_CASE("a hash put right for the changed row alone shows at the next", "[chain]") {
  Bar bar;
  five_pours(bar);
  by_hand(bar, "UPDATE pours SET price_cents = 1 WHERE chain_no = 3");
  by_hand(bar, fmt::format("UPDATE pours SET hash = '{}' WHERE chain_no = 3", right_hash(bar, 3)));
  const ChainSlice slice = walked(bar);
  REQUIRE(slice.broken);
  CHECK(slice.broken->chain_no == 4);
  CHECK_THAT(slice.broken->what, ContainsSubstring("does not follow row 3"));
}

TEST_CASE("a row slipped in outside the chain is named", "[chain]") {
  Bar bar;
  five_pours(bar);
  by_hand(bar, "UPDATE pours SET chain_no = NULL WHERE chain_no = 5");
  const ChainSlice slice = walked(bar);
  REQUIRE(slice.broken);
  CHECK(slice.broken->client_tx_id == pour_id(5).text());
}

TEST_CASE("a row slipped in outside the chain is met in slices too, wherever it stands",
          "[chain]") {
  for (const int place : {-7, 3, 30}) {
    CAPTURE(place);
    Bar bar;
    five_pours(bar);
    // With room between the rows, and one that ended long before those that began before it.
    by_hand(bar,
            "UPDATE pours SET pour_seq = -2 * pour_seq; UPDATE pours SET pour_seq = -pour_seq;"
            "UPDATE pours SET pour_seq = 20 WHERE chain_no = 2");
    bar.open();
    pour(bar.ledger(), 6, 100);
    confirm(bar.ledger(), 6);
    bar.close();
    by_hand(bar, fmt::format("UPDATE pours SET chain_no = NULL, pour_seq = {} WHERE chain_no = 6",
                             place));
    SQLite::Database database{bar.file().string(), SQLite::OPEN_READWRITE};
    storage::ChainWalk walk{database};
    ChainSlice slice;
    int slices = 0;
    while (!slice.at_end && !slice.broken) {
      slice = walk.slice(slice.reached, 2);
      ++slices;
    }
    REQUIRE(slice.broken);
    CHECK(slice.broken->client_tx_id == pour_id(6).text());
    CHECK(slices <= 3);
  }
}

TEST_CASE("a row still to be charged that was changed keeps the ledger shut", "[chain]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  bar.close();
  by_hand(bar, "UPDATE pours SET price_cents = 1");
  try {
    bar.open();
    FAIL("it was opened");
  } catch (const storage::OpenError& error) {
    CHECK(error.kind() == storage::Error::Kind::corrupt);
    CHECK_THAT(error.what(), ContainsSubstring(pour_id(1).text()));
  }
}

TEST_CASE("a file is verified only while nobody holds it, and is left as it is", "[chain]") {
  Bar bar;
  pour(bar.ledger(), 1, 100);
  bar.close();
  CHECK_THAT(outcome(storage::verify_file(bar.file().string() + "x")),
             ContainsSubstring("there is no such file"));
  const auto before = std::filesystem::last_write_time(bar.file());
  CHECK(storage::verify_file(bar.file())->rows == 1);
  CHECK(std::filesystem::last_write_time(bar.file()) == before);
}
