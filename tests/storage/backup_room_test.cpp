// A backup on a medium with too little room: it is given up in time, and that is an answer, not an
// exception that ends tapd.
#include <sys/mount.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/storage/bar.hpp"

namespace tapd::test {
namespace {

using Catch::Matchers::ContainsSubstring;

/// A medium of its own for a backup.
class SmallMedium {
 public:
  SmallMedium()
      : mounted_{::mount("tapd-test", folder_.path().c_str(), "tmpfs", 0, "size=512k") == 0} {}
  ~SmallMedium() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  SmallMedium(const SmallMedium&) = delete;
  SmallMedium& operator=(const SmallMedium&) = delete;
  SmallMedium(SmallMedium&&) = delete;
  SmallMedium& operator=(SmallMedium&&) = delete;

  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] std::filesystem::path operator/(const char* name) const { return folder_ / name; }

 private:
  TempDir folder_;
  bool mounted_;
};

}  // namespace

// Found by reading: the refusal of a copy in parts went through as an exception, and tapd ended, a
// minute after each start.
TEST_CASE("a backup that finds too little room is given up with a word, and leaves nothing",
          "[backup]") {
  const SmallMedium medium;
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
