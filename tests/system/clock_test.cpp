// The real tapd on a board without a battery clock: it boots in 1970, the clock jumps forth and
// back while guests pour and while rows wait, and in the end a time service sets it.
#include <chrono>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include "venue_processes.hpp"

#ifdef TROUBLED_CLOCK_LIBRARY
namespace tapd::test {
namespace {

using namespace std::chrono_literals;

std::chrono::seconds wall_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::floor<std::chrono::seconds>(now);
}

class TroubledClock {
 public:
  TroubledClock() { reads(0s, false); }

  /// From now on the wall clock reads so much since 1970, and runs on.
  void reads(std::chrono::seconds since_1970, bool synchronised) const {
    write(since_1970 - wall_now(), synchronised);
  }
  void is_set() const { write(0s, true); }
  [[nodiscard]] VenuePlan plan() const {
    VenuePlan plan;
    plan.tapd_environment = {{"LD_PRELOAD", TROUBLED_CLOCK_LIBRARY},
                             {"TROUBLED_CLOCK", file().string()}};
    return plan;
  }

 private:
  [[nodiscard]] std::filesystem::path file() const { return folder_ / "clock"; }
  // In one step: tapd reads it at any moment.
  void write(std::chrono::seconds wrong_by, bool synchronised) const {
    const std::filesystem::path fresh = folder_ / "clock.new";
    std::ofstream{fresh} << fmt::format("{} {}\n", wrong_by.count(), synchronised ? "yes" : "no");
    std::filesystem::rename(fresh, file());
  }

  TempDir folder_;
};

/// A guest pours, the clock jumps in the middle, and the pour goes on.
template<typename Jump>
void pour_over(VenueProcesses& venue, int tap, const std::string& card, Jump jump) {
  const auto poured = [&](std::int64_t millilitres) {
    return VenueProcesses::eventually(
        [&] { return venue.tap(tap).value("volume_ml", 0) >= millilitres; }, 30s);
  };
  venue.sim(fmt::format("card {} {}", tap, card));
  REQUIRE(poured(60));
  jump();
  REQUIRE(poured(130));
  venue.sim(fmt::format("card {} none", tap));
  venue.wait_for_state(tap, "idle");
}

constexpr std::chrono::seconds in_2031 =
    std::chrono::sys_days{std::chrono::year{2031} / 5 / 1}.time_since_epoch();
constexpr std::chrono::seconds in_2020 =
    std::chrono::sys_days{std::chrono::year{2020} / 5 / 1}.time_since_epoch();

}  // namespace

TEST_CASE("a clock that boots in 1970 and jumps while guests pour leaves every row rightly dated",
          "[system][clock]") {
  const TroubledClock clock;
  VenueProcesses venue{clock.plan()};
  const std::chrono::seconds began = wall_now();
  venue.start_tapd();
  venue.wait_until_online();
  venue.kill_server();
  pour_over(venue, 1, ann, [&] { clock.reads(in_2031, false); });
  pour_over(venue, 2, eva, [&] { clock.reads(in_2020, false); });
  CHECK(venue.status().at("queue").at("waiting") >= 2);
  // Here the rows still stand in a year that is not: the newest in 2031 at its beginning.
  CHECK(venue.pours().at(0).at("start_ts").get<std::string>().starts_with("2031-05-01"));
  CHECK(venue.pours().at(1).at("start_ts").get<std::string>().starts_with("1970-01-01"));
  pour_over(venue, 3, ann, [&] { clock.is_set(); });
  venue.pour(4, eva, 60);
  venue.start_server();
  venue.wait_until_confirmed();

  const Books books = venue.books();
  CHECK(books.pours_at_server == 4);
  CHECK(books.charged_here == books.charged_at_server);
  // To the second: the server's times have milliseconds, the test's have not.
  const std::string wrong = fmt::format(
      "SELECT count(*) FROM pours WHERE started_at < to_timestamp({}) OR poured_at > now()"
      " OR poured_at < started_at",
      began.count() - 1);
  CHECK(venue.number_from_server(wrong.c_str()) == 0);
  // What lies between two times is what the board's own clock counted, jump or not.
  CHECK(venue.number_from_server(
            "SELECT count(*) FROM pours WHERE abs(extract(epoch FROM poured_at - started_at)"
            " * 1000 - duration_ms) > 5000") == 0);
  // One after the other, as they were poured: tap 1 first.
  CHECK(venue.number_from_server(
            "SELECT count(*) FROM (SELECT started_at < lag(poured_at) OVER (ORDER BY tap_id)"
            " AS early FROM pours) AS rows WHERE early") == 0);
}

}  // namespace tapd::test
#endif
