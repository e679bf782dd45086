// Orders of staff that are refused when they are noted already.
#include <SQLiteCpp/Database.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "api_bar.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {
namespace {

// Found by reading: the books said that the new one was set.
TEST_CASE("a calibration that is refused at the last moment is not the newest in the books",
          "[staff_api]") {
  const TempDir folder;
  const bool hangs_up = GENERATE(true, false);
  {
    ApiBar bar{folder / "tapd.db"};
    const ApiRequest order{.method = "POST",
                           .path = "/calibration",
                           .query = {},
                           .body = R"({"tap":1,"milli_pulses_per_litre":450000,"note":"jug"})",
                           .user = "anna",
                           .gone = [hangs_up] { return hangs_up; }};
    CHECK(bar.ask(order).status == (hangs_up ? 503 : 200));
  }
  SQLite::Database books{folder / "tapd.db"};
  CHECK(books
            .execAndGet("SELECT nanolitres_per_pulse FROM calibrations"
                        " ORDER BY version DESC LIMIT 1")
            .getInt64() == (hangs_up ? 2'000'000 : 2'222'222));
  CHECK(books.execAndGet("SELECT count(*) FROM audit_log WHERE action = 'set_calibration'")
            .getInt64() == (hangs_up ? 2 : 1));
}

}  // namespace
}  // namespace tapd::test
