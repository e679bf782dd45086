// What staff wanted shut is shut: when their terminal is gone, while the disk stands still, and
// when nothing can be written at all.
#include <csignal>
#include <future>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/deadline.hpp"
#include "troubled_disk.hpp"

#ifdef TROUBLED_DISK_LIBRARY

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

/// A bar without a server, on a disk that a test gets into trouble.
struct StaffBar {
  StaffBar() { venue.start_tapd(); }

  [[nodiscard]] ChildProcess tapctl(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--socket", (venue.folder() / "tapd.sock").string()});
    return ChildProcess{{.program = TAPCTL_PROGRAM, .arguments = std::move(words)}};
  }
  /// Asked for nothing that waits for the disk.
  [[nodiscard]] bool valve_is_open(int tap) const {
    const auto answer = venue.api().get("/meter?tap=" + std::to_string(tap));
    return answer && nlohmann::json::parse(answer->body).value("valve_open", false);
  }

  /// Whether the tap is shut already, though the disk may not know of it. Waits for no disk.
  [[nodiscard]] bool is_locked(int tap) const {
    const auto answer = venue.api().get("/explain?tap=" + std::to_string(tap));
    return answer && answer->body.find("\"locked\"") != std::string::npos;
  }

  /// At work, with the valve open.
  [[nodiscard]] ChildProcess clean_tap_1() const {
    ChildProcess clean = tapctl({"clean", "1", "--seconds", "120"});
    REQUIRE(VenueProcesses::eventually([&] { return valve_is_open(1); }, 30s));
    return clean;
  }

  TroubledDisk disk;
  VenueProcesses venue{disk.lone_plan()};
};

}  // namespace

TEST_CASE("a terminal that is gone, and a disk that stands still, leave no valve open",
          "[system][disk]") {
  // Closed, Ctrl-\, Ctrl-Z.
  const int gone = GENERATE(SIGHUP, SIGQUIT, SIGTSTP);
  const StaffBar bar;
  ChildProcess clean = bar.clean_tap_1();
  // Somebody else waits for the disk meanwhile.
  bar.disk.say("very slow");
  ChildProcess other = bar.tapctl({"lock", "2", "lye"});
  clean.signal(gone);
  CHECK(VenueProcesses::eventually([&] { return !bar.valve_is_open(1); }, 30s));
  bar.disk.say("none");
  CHECK(clean.wait(30s).has_value());
}

TEST_CASE("who waits for a disk that stands still keeps nobody from shutting a valve",
          "[system][disk]") {
  const StaffBar bar;
  ChildProcess clean = bar.clean_tap_1();
  bar.disk.say("very slow");
  // The disk has something to do, and more people than the API has threads want to know something.
  ChildProcess other = bar.tapctl({"lock", "2", "lye"});
  REQUIRE(VenueProcesses::eventually([&] { return bar.is_locked(2); }, 30s));
  std::vector<std::future<tl::expected<ApiAnswer, std::string>>> looks;
  for (int i = 0; i < 8; ++i) {
    looks.push_back(std::async(std::launch::async, [&] { return bar.venue.api().get("/pours"); }));
  }
  const Deadline all_wait{1s};
  while (all_wait.pause(50ms)) {
  }
  const auto ended = bar.venue.api().post("/service/end", R"({"tap":1})");
  CHECK(ended.has_value());
  CHECK_FALSE(bar.valve_is_open(1));
  int refused = 0;
  for (auto& look : looks) {
    const auto answer = look.get();
    if (!answer || answer->status != 503) continue;
    ++refused;
    CHECK_THAT(answer->body, ContainsSubstring("wait for the disk already"));
  }
  CHECK(refused >= 2);
  bar.disk.say("none");
  CHECK(clean.wait(30s).has_value());
}

TEST_CASE("a lock that cannot be noted closes the tap all the same", "[system][disk]") {
  StaffBar bar;
  bar.disk.say("read-only");
  const auto answer = bar.venue.api().post("/lock", R"({"tap":1,"why":"lye in the line"})");
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK_THAT(answer->body, ContainsSubstring("tap 1 is closed until tapd starts again"));
  bar.disk.say("none");
  CHECK(bar.venue.tap(1).at("state") == "locked");
  CHECK(bar.venue.api().post("/unlock", R"({"tap":1})")->status == 200);
  bar.venue.wait_for_state(1, "idle");
}

// Found by reading: the one was told "done" of a lock that the other's unlock then took away.
TEST_CASE("who opens a tap does not open what was closed anew meanwhile", "[system][disk]") {
  StaffBar bar;
  REQUIRE(bar.venue.api().post("/lock", R"({"tap":1,"why":"lye in the line"})")->status == 200);
  bar.disk.say("slow");
  auto unlock = std::async(std::launch::async,
                           [&] { return bar.venue.api().post("/unlock", R"({"tap":1})"); });
  const Deadline audit_waits{500ms};
  while (audit_waits.pause(50ms)) {
  }
  static_cast<void>(bar.venue.api().post("/lock", R"({"tap":1,"why":"the line is open"})"));
  const auto unlocked = unlock.get();
  bar.disk.say("none");
  REQUIRE(unlocked);
  CHECK(unlocked->status != 200);
  CHECK(bar.venue.tap(1).at("state") == "locked");
  bar.venue.kill_tapd();
  bar.venue.start_tapd();
  bar.venue.wait_for_state(1, "locked");
}

TEST_CASE("a tap is cleared although that cannot be noted, and who asked is told",
          "[system][disk]") {
  StaffBar bar;
  bar.disk.say("read-only");
  const auto answer = bar.venue.api().post("/clear", "1");
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK_THAT(answer->body, ContainsSubstring("cleared, but not in the audit log"));
  bar.disk.say("none");
  CHECK(bar.venue.api().post("/clear", "1")->status == 200);
}

}  // namespace tapd::test

#endif
