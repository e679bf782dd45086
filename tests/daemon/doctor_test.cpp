// The doctor's findings, on boards made of files: each says what is wrong and what to do next.
#include <array>
#include <filesystem>
#include <fstream>

#include <unistd.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/doctor.hpp"
#include "not_root.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/sync/tls_server.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;
using namespace std::chrono_literals;

namespace {

struct Board {
  TempDir root;
  Config config;

  Board() {
    config.controller_id = "bar-1";
    config.state_dir = "/var/lib/tapd";
    TapConfig tap;
    tap.id = model::TapId{1};
    tap.meter_line.name = "GPIO17";
    tap.valve_line.name = "GPIO22";
    tap.reader.device = "/dev/spidev0.0";
    config.taps.push_back(tap);
    std::filesystem::create_directories(root / "dev");
  }
  void file(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = root / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }
};

const model::WallTime today{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};

void is(const Findings& findings, Health health, const std::string& what) {
  REQUIRE(findings.size() == 1);
  INFO(findings[0].what);
  CHECK(to_text(findings[0].health) == to_text(health));
  CHECK_THAT(findings[0].what, ContainsSubstring(what));
  if (health == Health::bad) CHECK_FALSE(findings[0].next.empty());
}

}  // namespace

TEST_CASE("a reader that is not there is bad, and SPI is what to switch on", "[doctor]") {
  const Board board;
  const Findings findings = check_readers(board.config, board.root.path());
  is(findings, Health::bad, "tap 1: reader /dev/spidev0.0 does not exist");
  CHECK_THAT(findings[0].next, ContainsSubstring("dtparam=spi=on"));
  board.file("dev/spidev0.0", "");
  is(check_readers(board.config, board.root.path()), Health::good, "is there");
}

TEST_CASE("lines that the board does not have are named with their tap", "[doctor]") {
  const Board board;
  const Findings findings = check_lines(board.config, board.root.path());
  REQUIRE(findings.size() == 2);
  CHECK_THAT(findings[0].what, ContainsSubstring("tap 1: meter"));
  CHECK_THAT(findings[1].what, ContainsSubstring("tap 1: valve"));
  CHECK(findings[1].health == Health::bad);
}

TEST_CASE("every line that tapd opens is looked at, those of lamps, keep-alive and reset too",
          "[doctor]") {
  Board board;
  TapConfig& tap = board.config.taps[0];
  tap.keep_alive = KeepAliveConfig{};
  tap.keep_alive->line.name = "GPIO5";
  tap.lamps.at(static_cast<std::size_t>(drivers::Lamp::red)) = LineConfig{};
  tap.lamps.at(static_cast<std::size_t>(drivers::Lamp::red))->name = "GIPO6";
  tap.lamps.at(static_cast<std::size_t>(drivers::Lamp::buzzer)) = LineConfig{};
  tap.reader.reset_line = "GPIO25";
  const Findings findings = check_lines(board.config, board.root.path());
  REQUIRE(findings.size() == 6);
  const std::array<const char*, 6> names{"meter",      "valve",         "keep-alive",
                                         "lamp (red)", "lamp (buzzer)", "reader's reset"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    CHECK_THAT(findings[i].what, ContainsSubstring(std::string{"tap 1: "} + names.at(i)));
    CHECK(findings[i].health == Health::bad);
  }
  CHECK_THAT(findings[3].what, ContainsSubstring("GIPO6"));
}

TEST_CASE("a chip that may not be opened is a matter of rights, not of a line's name", "[doctor]") {
  LineConfig line;
  line.name = "GPIO22";
  const drivers::ChipListing closed{
      .path = "/dev/gpiochip0", .label = "", .lines = {}, .error = "Permission denied"};
  const Finding finding = check_line("tap 1: valve", line, {closed});
  is({finding}, Health::bad, "Permission denied");
  CHECK_THAT(finding.next, ContainsSubstring("group gpio") && !ContainsSubstring("tapd.toml"));
  const drivers::ChipListing open{
      .path = "/dev/gpiochip0", .label = "pinctrl", .lines = {{4, "GPIO4"}}, .error = ""};
  CHECK_THAT(check_line("tap 1: valve", line, {open}).next, ContainsSubstring("tapd.toml"));
}

TEST_CASE("a simulated tap is told, so that nobody takes it for a real one", "[doctor]") {
  Board board;
  board.config.taps[0].simulated = true;
  is(check_readers(board.config, board.root.path()), Health::doubtful, "simulated");
  CHECK(check_lines(board.config, board.root.path()).empty());
}

TEST_CASE("a ledger's folder that is missing is bad, one with room is good", "[doctor]") {
  const Board board;
  is(check_storage(board.config, board.root.path()), Health::bad, "/var/lib/tapd");
  std::filesystem::create_directories(board.root / "var/lib/tapd");
  const Findings findings = check_storage(board.config, board.root.path());
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings[0].what, ContainsSubstring("MiB free"));
}

TEST_CASE("a disk is good while there is room, and bad before the ledger meets its end",
          "[doctor]") {
  is({check_room("/var/lib/tapd", 200, "")}, Health::good, "/var/lib/tapd has 200 MiB free");
  is({check_room("/var/lib/tapd", 199, "")}, Health::doubtful, "199 MiB free");
  is({check_room("/var/lib/tapd", 20, "")}, Health::doubtful, "20 MiB free");
  is({check_room("/var/lib/tapd", 19, "")}, Health::bad, "19 MiB free");
}

// The journal of a board is small: what fills a card is what was set aside.
TEST_CASE("on a full disk the largest thing that may go is named", "[doctor]") {
  const SmallDisk disk{"12m"};
  if (!disk.mounted()) SKIP("no file system can be mounted here (root only)");
  Board board;
  std::filesystem::create_directories(disk / "var/lib/tapd");
  board.config.storage.books.backup_file = "/var/lib/tapd/tapd.backup.db";
  const auto next = [&] { return check_storage(board.config, disk.path()).front().next; };
  const auto fill = [&](const char* name, std::size_t mib) {
    std::filesystem::create_directories((disk / name).parent_path());
    std::ofstream{disk / name} << std::string(mib << 20U, 'x');
  };
  CHECK(next() == "make room: journalctl --vacuum-size=8M");
  fill("var/lib/tapd/tapd.backup.db.previous", 1);
  CHECK_THAT(next(), ContainsSubstring("tapd.backup.db.previous takes 1 MiB: name another medium"));
  fill("var/lib/tapd/tapd.db.damaged-1", 2);
  CHECK_THAT(next(), ContainsSubstring("/var/lib/tapd/tapd.db.damaged-1 takes 2 MiB: copy it to"));
  fill("var/lib/tapd/tapd.db.version-2", 3);
  CHECK_THAT(next(), ContainsSubstring("tapd.db.version-2 takes 3 MiB: it is the ledger from bef"));
  fill("data/updates/layer-7/up/usr/bin/a", 2);
  fill("data/updates/layer-7/up/usr/bin/b", 2);
  CHECK_THAT(next(), ContainsSubstring("/data/updates/layer-7 takes 4 MiB: remove it only if"));
  // Whoever watches asks twice a second: that does not look through all files.
  CHECK_THAT(board_health(board.config, disk.path(), true, today).disk.next,
             ContainsSubstring("tapctl doctor names what is large"));
}

TEST_CASE("a configuration that only root may read is bad before tapd is started", "[doctor]") {
  const Board board;
  board.file("tapd.toml", "");
  const std::filesystem::path file = board.root / "tapd.toml";
  const Reader owner{.user = ::getuid(), .group = 60'001};
  const Reader member{.user = 60'001, .group = ::getgid()};
  const Reader stranger{.user = 60'001, .group = 60'001};
  const auto bad_for = [&](int mode, const Reader& reader) {
    std::filesystem::permissions(file, std::filesystem::perms(mode));
    const Findings findings = check_config_file(file, reader);
    if (findings.empty()) return false;
    is(findings, Health::bad, "tapd may not read " + file.string());
    CHECK(findings[0].next == "chmod 644 " + file.string());
    return true;
  };
  CHECK(bad_for(0600, stranger));
  CHECK(bad_for(0640, stranger));
  CHECK(bad_for(0600, member));
  CHECK_FALSE(bad_for(0644, stranger));
  CHECK_FALSE(bad_for(0640, member));
  CHECK_FALSE(bad_for(0600, owner));
}

TEST_CASE("a weak supply, a worn card and a journal that is not kept are told", "[doctor]") {
  const Board board;
  CHECK(check_wear(board.root.path()).empty());  // most SD cards say nothing of it
  board.file("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n");
  board.file("sys/block/mmcblk0/device/life_time", "0x0a 0x01\n");
  is(check_wear(board.root.path()), Health::bad, "0x0a");
  const Findings findings = check_board(board.root.path());
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].health == Health::bad);
  CHECK_THAT(findings[0].what, ContainsSubstring("50005"));
  CHECK(findings[1].health == Health::doubtful);
}

TEST_CASE("heat is told apart from a weak supply", "[doctor]") {
  const Board board;
  const auto told = [&](const std::string& bits) {
    board.file("sys/devices/platform/soc/soc:firmware/get_throttled", bits + "\n");
    Findings findings = check_board(board.root.path());
    findings.pop_back();  // of the journal
    return findings;
  };
  is(told("0"), Health::good, "has held");
  for (const char* hot : {"20000", "40004", "80008", "80000", "e0000"}) {
    const Findings findings = told(hot);
    REQUIRE(findings.size() == 2);
    CHECK(findings[0].health == Health::good);
    is({findings[1]}, Health::doubtful, "too hot");
  }
  is(told("10000"), Health::bad, "too weak");
  is(told("50005"), Health::bad, "too weak");  // slowed down, because of that
  CHECK(told("90000").size() == 2);
  CHECK(told("").empty());
}

TEST_CASE("a status tells the clock, and of the disk what is worst", "[doctor]") {
  const Board board;
  std::filesystem::create_directories(board.root / "var/lib/tapd");
  const auto health = [&](bool clock) {
    return board_health(board.config, board.root.path(), clock, today);
  };
  CHECK(health(true).clock.health == Health::good);
  CHECK(health(false).clock.health == Health::doubtful);
  CHECK_THAT(health(true).disk.what, ContainsSubstring("MiB free"));
  board.file("sys/block/mmcblk0/device/life_time", "0x0b 0x01\n");
  is({health(true).disk}, Health::bad, "wear of the storage: 0x0b");
}

TEST_CASE("a token that everybody can read is doubtful, a missing one is bad", "[doctor]") {
  Board board;
  CHECK(check_secrets(board.config, board.root.path()).empty());  // no server, no token
  board.config.server.url = "https://venue.example";
  board.config.server.token_file = "token";
  is(check_secrets(board.config, board.root.path()), Health::bad, "credentials/token");
  board.file("etc/tapd/credentials/token", "");
  is(check_secrets(board.config, board.root.path()), Health::bad, "is empty");
  board.file("etc/tapd/credentials/token", "secret");
  const std::filesystem::path token = board.root / "etc/tapd/credentials/token";
  std::filesystem::permissions(token, std::filesystem::perms{0644});
  is(check_secrets(board.config, board.root.path()), Health::doubtful, "read by everybody");
  std::filesystem::permissions(token, std::filesystem::perms{0600});
  is(check_secrets(board.config, board.root.path()), Health::good, "holds the token");
}

TEST_CASE("a clock that nobody has set is doubtful", "[doctor]") {
  is(check_clock(false, model::WallTime{}), Health::doubtful, "1970-01-01");
  is(check_clock(true, today), Health::good, "2026-11-21");
}

TEST_CASE("the days until a certificate ends are counted, and nonsense is not", "[doctor]") {
  CHECK(days_until("Nov 22 00:00:00 2026 GMT", today) == 1);
  CHECK(days_until("Nov 20 12:00:00 2026 GMT", today) == -1);
  CHECK_FALSE(days_until("soon", today));
  CHECK_FALSE(days_until("", today));
}

TEST_CASE("the doctor asks as tapd does: the venue's authority, tapd's header, the token",
          "[doctor]") {
  Board board;
  const sync::test::SelfSigned venue{"127.0.0.1"};
  board.file("token", "secret \r\n");  // as an editor may end it; tapd does not mind
  board.config.server.token_file = board.root / "token";
  sync::test::TlsServer stranger{venue, {}};
  board.config.server.url = stranger.url();
  is(check_server(board.config, today), Health::bad, "self");
  CHECK(stranger.first_bytes().empty());  // Nobody vouches for this server.
  sync::test::TlsServer server{venue, {}};
  board.config.server.url = server.url();
  board.config.server.ca_file = venue.write(board.root / "ca.pem");
  (void)check_server(board.config, today);
  CHECK_THAT(server.first_bytes(), ContainsSubstring("POST /api/sync/pours"));
  CHECK_THAT(server.first_bytes(), ContainsSubstring("X-Internal-Token: secret\r\n") &&
                                       ContainsSubstring("Content-Type: application/json"));
}

TEST_CASE("whoever may not read the token is sent to root, and the server is not asked",
          "[doctor]") {
  Board board;
  board.config.server.url = "http://127.0.0.1:9";
  board.config.server.token_file = board.root / "token";
  is(check_server(board.config, today), Health::doubtful, "not asked: there is no token");
  board.file("token", "secret");
  std::filesystem::permissions(board.root / "token", std::filesystem::perms::none);
  const NotRoot somebody;
  const Findings findings = check_server(board.config, today);
  is(findings, Health::doubtful, "not asked: you may not read its token");
  CHECK_THAT(findings[0].next, ContainsSubstring("as root"));
}

TEST_CASE("a server that nobody runs is bad, and none at all is doubtful", "[doctor]") {
  Board board;
  is(check_server(board.config, today), Health::doubtful, "no server is configured");
  board.config.server.url = "http://127.0.0.1:9";
  is(check_server(board.config, today), Health::bad, "does not answer on http://127.0.0.1:9");
}

}  // namespace tapd::test
