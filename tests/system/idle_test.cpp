// An idle tapd beside a server that has nothing new: it asks again and again, and writes nothing.
#include <map>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "venue_processes.hpp"

namespace tapd::test {

using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

/// The ledger's files: when each was last written, and how large it is.
std::map<std::string, std::pair<fs::file_time_type, std::uintmax_t>> ledger_files(
    const VenueProcesses& venue) {
  std::map<std::string, std::pair<fs::file_time_type, std::uintmax_t>> files;
  for (const auto& entry : fs::directory_iterator{venue.folder().path()}) {
    const std::string name = entry.path().filename().string();
    if (name.find(".db") == std::string::npos) continue;
    files[name] = {fs::last_write_time(entry.path()), fs::file_size(entry.path())};
  }
  return files;
}

}  // namespace

TEST_CASE("an idle tapd writes nothing to its ledger, however often it asks the server",
          "[system][wear]") {
  // Asks every 300 ms. The first backup is due a minute after the start, which is no wear.
  VenueProcesses venue{{.server_extra = "[storage]\nbackup_interval_hours = 0"}};
  venue.start_tapd();
  venue.wait_until_online();
  venue.pour(1, ann, 60);
  venue.wait_until_confirmed();
  // The balance that contains the pour is news, and the last.
  std::map<std::string, std::pair<fs::file_time_type, std::uintmax_t>> before;
  const auto quiet_for = [&](std::chrono::milliseconds time) {
    before = ledger_files(venue);
    return !VenueProcesses::eventually([&] { return ledger_files(venue) != before; }, time);
  };
  REQUIRE(VenueProcesses::eventually([&] { return quiet_for(1s); }, 30s));
  CHECK(before.contains("tapd.db"));
  CHECK(quiet_for(3s));
}

}  // namespace tapd::test
