// The real tapd on a disk that is full, refuses to be written, or takes two seconds for a sync: the
// valve shuts on time, the pour is recorded, new ones are refused with a reason, and the taps come
// back by themselves.
#include <filesystem>
#include <fstream>
#include <functional>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include "tests/support/small_disk.hpp"
#include "troubled_disk.hpp"
#include "venue_processes.hpp"

namespace tapd::test {
namespace {

using namespace std::chrono_literals;

bool metrics_say(VenueProcesses& venue, const std::string& line) {
  const auto metrics = venue.api().get("/metrics");
  return metrics && metrics->body.find(line + "\n") != std::string::npos;
}

/// A guest pours while the disk begins to refuse writes; the tap shuts, nobody else may pour, and
/// when the disk is well again the pour is there to the last millilitre.
void pour_into_trouble(VenueProcesses& venue, const std::function<void()>& begins,
                       const std::function<void()>& ends) {
  venue.start_tapd();
  venue.wait_until_online();
  venue.sim(fmt::format("card 1 {}", eva));
  REQUIRE(
      VenueProcesses::eventually([&] { return venue.tap(1).value("volume_ml", 0) >= 60; }, 30s));
  begins();
  venue.wait_for_state(1, "locked");
  CHECK(venue.tap(1).at("reason").get<std::string>().starts_with("storage: "));
  venue.sim("card 1 none");
  const std::int64_t ran = venue.truth().at(0).passed_ul;

  venue.sim(fmt::format("card 2 {}", ann));
  REQUIRE(VenueProcesses::eventually(
      [&] {
        const std::string state = venue.tap(2).at("state");
        return state == "denied" || state == "locked";
      },
      30s));
  const std::string reason = venue.tap(2).at("reason");
  CHECK((reason == "ledger_unavailable" || reason.starts_with("storage: ")));
  venue.sim("card 2 none");
  CHECK(venue.truth().at(1).passed_ul == 0);
  CHECK(metrics_say(venue, "tapd_ledger_writable 0"));
  CHECK(metrics_say(venue, "tapd_tap_locked_by_storage{tap=\"1\"} 1"));
  const auto explained = venue.api().get("/explain?tap=2");
  REQUIRE(explained);
  CHECK(explained->body.find("\"ledger_writable\":false") != std::string::npos);

  ends();
  venue.wait_for_state(1, "idle");
  venue.wait_for_state(2, "idle");
  venue.pour(2, ann, 60);
  CHECK(metrics_say(venue, "tapd_ledger_writable 1"));
  venue.wait_until_confirmed();
  const Books books = venue.books();
  CHECK(books.pours_at_server == 2);
  CHECK(books.distinct_at_server == 2);
  CHECK(books.charged_here == books.charged_at_server);
  const auto pours = venue.pours();
  REQUIRE(pours.size() == 2);
  CHECK(pours.at(1).at("stop_reason") == "storage_fault");
  // The turbine itself reads up to 5 ml wrong at this flow (see the first pour's test).
  CHECK(pours.at(1).at("volume_ml").get<std::int64_t>() * 1000 >= ran - 5'000);
}

}  // namespace

TEST_CASE("a full disk ends the pour cleanly, and selling goes on when there is room",
          "[system][disk]") {
  const SmallDisk disk{"8m"};
  if (!disk.mounted()) SKIP("no file system can be mounted here (root only)");
  VenuePlan plan;
  plan.state_dir = disk.path();
  VenueProcesses venue{plan};
  pour_into_trouble(venue, [&] { disk.fill(); }, [&] { disk.make_room(); });
}

TEST_CASE("a backup that does not fit leaves the room that the ledger needs", "[system][disk]") {
  const SmallDisk disk{"8m"};
  if (!disk.mounted()) SKIP("no file system can be mounted here (root only)");
  VenuePlan plan;
  plan.state_dir = disk.path();
  VenueProcesses venue{plan};
  venue.start_tapd();
  venue.wait_until_online();
  constexpr std::uintmax_t too_little = 100'000;
  disk.leave(too_little);
  REQUIRE(venue.api().post("/backup", ""));
  CHECK(venue.tapd().wait_for_output("the backup that was asked for failed", 10s));
  // tapd's own attempt, at its start, may just be giving up.
  CHECK(VenueProcesses::eventually(
      [&] { return std::filesystem::space(disk.path()).available > too_little / 2; }, 10s));
  disk.make_room();
  venue.pour(1, eva, 60);
  venue.wait_until_confirmed();
}

#ifdef TROUBLED_DISK_LIBRARY

TEST_CASE("a disk that refuses writes ends the pour cleanly, and selling goes on afterwards",
          "[system][disk]") {
  const TroubledDisk disk;
  VenueProcesses venue{disk.plan()};
  pour_into_trouble(venue, [&] { disk.say("read-only"); }, [&] { disk.say("none"); });
}

TEST_CASE("a disk that takes two seconds for a sync delays no valve and loses no pour",
          "[system][disk]") {
  const TroubledDisk disk;
  VenueProcesses venue{disk.plan()};
  venue.start_tapd();
  venue.wait_until_online();
  venue.sim(fmt::format("card 1 {}", eva));
  REQUIRE(
      VenueProcesses::eventually([&] { return venue.tap(1).value("volume_ml", 0) >= 60; }, 30s));
  disk.say("slow");
  // So long that a sync is surely under way; then another guest comes, who is told in time.
  REQUIRE(
      VenueProcesses::eventually([&] { return venue.tap(1).value("volume_ml", 0) >= 200; }, 30s));
  venue.sim("handle 1 20");
  venue.sim(fmt::format("card 2 {}", ann));
  // Who waits for the disk is not told this: it is said while the disk is still at work.
  CHECK(venue.tapd().wait_for_output("may not pour: ledger_unavailable", 30s));
  CHECK(venue.truth().at(1).valve_opens == 0);
  venue.sim("card 2 none");
  // The first guest pours on all the while, and leaves.
  CHECK(venue.tap(1).at("state") == "pouring");
  venue.sim("card 1 none");
  // The journal tells it at once; the API waits for the disk, because it counts the queue.
  CHECK(venue.tapd().wait_for_output("ended by card_removed", 30s));
  venue.wait_for_state(1, "idle");
  venue.wait_until_confirmed();
  CHECK(venue.books().pours_at_server == 1);
  CHECK(venue.books().charged_here == venue.books().charged_at_server);
  REQUIRE(venue.pours().size() == 1);
  CHECK(venue.pours().at(0).at("stop_reason") == "card_removed");
  CHECK(venue.pours().at(0).at("volume_ml").get<std::int64_t>() * 1000 >=
        venue.truth().at(0).passed_ul - 5'000);

  // The disk is quick again, and a little later the tap that refused sells.
  disk.say("none");
  venue.wait_for_state(2, "idle");
  REQUIRE(VenueProcesses::eventually(
      [&] {
        venue.sim(fmt::format("card 2 {}", ann));
        std::string state;
        const bool decided = VenueProcesses::eventually(
            [&] {
              state = venue.tap(2).at("state");
              return state == "denied" || state == "pouring";
            },
            10s);
        if (state == "denied") venue.sim("card 2 none");
        return decided && state == "pouring";
      },
      30s));
  venue.pour(2, ann, 60);
  venue.wait_until_confirmed();
  CHECK(venue.books().pours_at_server == 2);
}

TEST_CASE("no valve opens for staff who have been told that it failed", "[system][disk]") {
  const TroubledDisk disk;
  VenueProcesses venue{disk.plan()};
  venue.start_tapd();
  venue.wait_until_online();
  disk.say("very slow");
  // tapctl waits for five seconds, the disk takes seven.
  const auto answer =
      venue.api().post("/service", R"({"tap":1,"kind":"clean","seconds":60,"ml":1000})");
  CHECK_FALSE(answer);
  disk.say("none");
  venue.wait_for_state(1, "idle");  // Its row comes behind what was asked before; ...
  // ... another thread of the API may still be about to decide.
  CHECK_FALSE(VenueProcesses::eventually([&] { return venue.truth().at(0).valve_opens != 0; }, 1s));
  // What they wanted closed is closed, however late.
  disk.say("very slow");
  CHECK_FALSE(venue.api().post("/lock", R"({"tap":1,"why":"lye in the line"})"));
  disk.say("none");
  venue.wait_for_state(1, "locked");
  // And not opened again behind the back of who believes it closed.
  disk.say("very slow");
  CHECK_FALSE(venue.api().post("/unlock", R"({"tap":1})"));
  disk.say("none");
  CHECK_FALSE(VenueProcesses::eventually([&] { return venue.tap(1).at("state") != "locked"; }, 3s));
}

#endif

}  // namespace tapd::test
