// What staff wanted shut is shut: when their terminal is gone, while the disk stands still, and
// when nothing can be written at all.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "venue_processes.hpp"

#ifdef TROUBLED_DISK_LIBRARY

namespace tapd::test {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

/// A bar without a server, on a disk that a test gets into trouble (troubled_disk.cpp).
class StaffBar {
 public:
  StaffBar() { venue.start_tapd(); }

  void disk(const std::string& word) const {
    std::ofstream{file_.string() + ".new"} << word;
    std::filesystem::rename(file_.string() + ".new", file_);
  }
  [[nodiscard]] ChildProcess tapctl(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--socket", (venue.folder() / "tapd.sock").string()});
    return ChildProcess{{.program = TAPCTL_PROGRAM, .arguments = std::move(words)}};
  }
  /// Asked for nothing that waits for the disk.
  [[nodiscard]] bool valve_is_open(int tap) const {
    const auto answer = venue.api().get("/meter?tap=" + std::to_string(tap));
    return answer && nlohmann::json::parse(answer->body).value("valve_open", false);
  }

 private:
  TempDir folder_{Medium::memory};
  std::filesystem::path file_ = folder_ / "trouble";

 public:
  VenueProcesses venue{{.with_server = false,
                        .tapd_environment = {{"LD_PRELOAD", TROUBLED_DISK_LIBRARY},
                                             {"TROUBLED_DISK", file_.string()}}}};
};

}  // namespace

TEST_CASE("a terminal that is gone, and a disk that stands still, leave no valve open",
          "[system][disk]") {
  const StaffBar bar;
  ChildProcess clean = bar.tapctl({"clean", "1", "--seconds", "120"});
  REQUIRE(VenueProcesses::eventually([&] { return bar.valve_is_open(1); }, 30s));
  // Somebody else waits for the disk meanwhile.
  bar.disk("very slow");
  ChildProcess other = bar.tapctl({"lock", "2", "lye"});
  clean.signal(SIGHUP);
  CHECK(VenueProcesses::eventually([&] { return !bar.valve_is_open(1); }, 30s));
  bar.disk("none");
  CHECK(clean.wait(30s).has_value());
}

TEST_CASE("a lock that cannot be noted closes the tap all the same", "[system][disk]") {
  StaffBar bar;
  bar.disk("read-only");
  const auto answer = bar.venue.api().post("/lock", R"({"tap":1,"why":"lye in the line"})");
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK_THAT(answer->body, ContainsSubstring("tap 1 is closed until tapd starts again"));
  bar.disk("none");
  CHECK(bar.venue.tap(1).at("state") == "locked");
  CHECK(bar.venue.api().post("/unlock", R"({"tap":1})")->status == 200);
  bar.venue.wait_for_state(1, "idle");
}

}  // namespace tapd::test

#endif
