// What people ask the books: are they whole, and what is owed and at stake. tapctl beside a real
// tapd, and on a file in which somebody changed a row by hand.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "lone_tapd.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("tapctl verify calls a whole chain whole, and names the row that was changed by hand",
          "[system][chain]") {
  LoneTapd bar;
  bar.pour();
  const FinishedChild whole = bar.tapctl({"verify"});
  CHECK(whole.status.success());
  CHECK_THAT(whole.output, ContainsSubstring("the chain is whole: 1 pours"));
  REQUIRE(bar.stop().success());

  const std::string file = (bar.folder() / "tapd.db").string();
  CHECK(bar.tapctl({"verify", "--file", file}).status.success());
  std::string id;
  {
    SQLite::Database database{file, SQLite::OPEN_READWRITE};
    id = database.execAndGet("SELECT client_tx_id FROM pours").getString();
    database.exec("DROP TRIGGER pours_are_immutable");
    database.exec("UPDATE pours SET price_cents = price_cents + 1");
  }
  const FinishedChild broken = bar.tapctl({"verify", "--file", file});
  CHECK_FALSE(broken.status.success());
  CHECK_THAT(broken.output, ContainsSubstring("BROKEN at pour 1") && ContainsSubstring(id));
}

TEST_CASE("tapctl owed says what waits, for how much, since when, and what is at stake",
          "[system][exposure]") {
  LoneTapd bar;
  bar.pour();
  const FinishedChild said = bar.tapctl({"owed"});
  CHECK(said.status.success());
  CHECK_THAT(said.output, ContainsSubstring("1 pours for ") &&
                              ContainsSubstring("the oldest that waits is from") &&
                              ContainsSubstring("at stake at worst: "));
  const nlohmann::json owed = bar.get("/owed");
  CHECK(owed.at("rows") == 1);
  CHECK(owed.at("oldest_age_s") >= 0);
  // The guest's 50.00, of which the policy lets all be poured without the server.
  CHECK(owed.at("worst_case_cents") == 5'000);
  CHECK(owed.at("owed_cents").get<int>() + owed.at("held_cents").get<int>() +
            owed.at("spendable_cents").get<int>() ==
        owed.at("worst_case_cents").get<int>());
}

TEST_CASE("a backup that cannot be written says why, and what to do", "[system]") {
  const LoneTapd bar;
  const auto why_not = [&](const std::filesystem::path& file) {
    const FinishedChild end = bar.tapctl({"backup", file.string()});
    CHECK(end.status.code == 1);
    return end.output;
  };
  CHECK_THAT(why_not("/nowhere/x.db"), ContainsSubstring("the folder /nowhere does not exist"));
  CHECK_THAT(why_not(bar.folder().path()), ContainsSubstring("is a folder: name a file in it"));
  CHECK_THAT(why_not(bar.folder() / "tapd.toml"),
             ContainsSubstring("tapd.toml exists already") && !ContainsSubstring("under way"));
  // What the unit's ProtectSystem=strict makes of everything else is a file system like this one.
  CHECK_THAT(why_not("/proc/sys/x.db"), ContainsSubstring("/proc/sys"));
}

TEST_CASE("a folder in the place of the usual backup stays where it is", "[system]") {
  LoneTapd bar;
  const std::filesystem::path folder = bar.folder() / "usb";
  std::filesystem::create_directory(folder);
  bar.write(
      fmt::format("[storage]\nbackup_file = \"{}\"\n{}", folder.string(), LoneTapd::tap_line));
  bar.restart();
  const FinishedChild end = bar.tapctl({"backup"});
  CHECK(end.status.code == 1);
  CHECK_THAT(end.output, ContainsSubstring("is a folder: name a file in it"));
  CHECK(std::filesystem::is_directory(folder));
  CHECK_FALSE(std::filesystem::exists(folder.string() + ".previous"));
}

TEST_CASE("tapctl backup writes a copy, but under the unit none into a /tmp that is gone with it",
          "[system]") {
  const TempDir run{Medium::memory};
  LoneTapd bar{{{"RUNTIME_DIRECTORY", run.path().string()}}};
  const std::string file = (bar.folder() / "copy.db").string();
  const FinishedChild said = bar.tapctl({"backup", file});
  CHECK(said.status.success());
  CHECK_THAT(said.output, ContainsSubstring("written and checked: " + file));
  CHECK(std::filesystem::exists(file));
  for (const char* lost : {"/tmp/tapd-books-test.db", "/var/lib/../tmp/tapd-books-test.db"}) {
    const FinishedChild refused = bar.tapctl({"backup", lost});
    CHECK(refused.status.code == 1);
    CHECK_THAT(refused.output, ContainsSubstring("/var/lib/tapd"));
    CHECK_FALSE(std::filesystem::remove(lost));
  }
}

}  // namespace tapd::test
