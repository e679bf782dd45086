// A backup on a medium with too little room: it is given up in time, and that is an answer, not an
// exception that ends tapd.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/storage/bar.hpp"
#include "tests/support/small_disk.hpp"

namespace tapd::test {
namespace {

using Catch::Matchers::ContainsSubstring;

}  // namespace

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

}  // namespace tapd::test
