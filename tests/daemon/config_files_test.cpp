// What a configuration says of files, folders and the server's address, and the configuration's
// file.
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "config_text.hpp"
#include "not_root.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

std::string with_backup(const std::string& file) {
  return findings(
      replaced(good, "[policy]", fmt::format("[storage]\nbackup_file = \"{}\"\n[policy]", file)));
}

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream{file, std::ios::binary} << text;
}

}  // namespace

// Each passed the check, and tapd did not come up, or had no server.
TEST_CASE("impossible addresses and places are refused", "[config]") {
  for (const char* url : {"http://", "https://venue example/x y", "http://:80", "http://a:b",
                          "http://user@venue.example", "http://venue.example/?a"}) {
    CAPTURE(url);
    const std::string text = replaced(good, "http://127.0.0.1:8000/", url);
    CHECK_THAT(findings(text), ContainsSubstring("tapd.toml:5: server.url: cannot be used"));
  }
  for (const char* url :
       {"https://venue.example", "http://[::1]:8000/tap", "http://venue:8000//"}) {
    CHECK(findings(replaced(good, "http://127.0.0.1:8000/", url)).empty());
  }
  CHECK_THAT(findings(replaced(good, "/dev/spidev0.0", "spidev0.0")),
             ContainsSubstring("reader.device: must be the whole path, like /dev/spidev0.0"));
  for (const char* key : {"socket", "state_dir"}) {
    for (const char* place : {"", "tapd", "./tapd"}) {
      const std::string text =
          replaced(good, "[controller]", fmt::format("[controller]\n{} = \"{}\"", key, place));
      CHECK_THAT(findings(text), ContainsSubstring(fmt::format(
                                     "controller.{}: must be the whole path, from the /", key)));
    }
  }
}

TEST_CASE("a backup is a file, and none of the ledger's own", "[config]") {
  for (const char* folder : {"/", "/mnt/usb/", "/mnt/usb/.", "/mnt/usb/.."}) {
    CHECK_THAT(with_backup(folder), ContainsSubstring("is a folder: name a file in it"));
  }
  for (const char* own : {"-wal", "-shm", "-journal", "-guard", ".suspect", ".damaged-1"}) {
    CHECK_THAT(with_backup(std::string{"/var/lib/tapd/../tapd/tapd.db"} + own),
               ContainsSubstring("belongs to the ledger"));
  }
  for (const char* other : {"/var/lib/tapd/tapd.db.backup", "/mnt/usb/tapd.db-wal"}) {
    CHECK(with_backup(other).empty());
  }
}

TEST_CASE("a file that its reader may not read is made readable, a folder is named", "[config]") {
  const TempDir folder;
  const std::filesystem::path file = folder / "tapd.toml";
  write(file, good);
  std::filesystem::permissions(file, std::filesystem::perms::none);
  std::filesystem::permissions(folder.path(), std::filesystem::perms{0755});
  {
    const NotRoot somebody;
    CHECK_THROWS_MATCHES(
        read_config(file), ConfigError,
        MessageMatches(ContainsSubstring("runs as tapd: chmod 644 " + file.string()) &&
                       !ContainsSubstring("another file")));
  }
  CHECK_THROWS_MATCHES(read_config(folder.path()), ConfigError,
                       MessageMatches(ContainsSubstring("is a folder: name the file in it")));
}

TEST_CASE("the mark of an editor before the first letter is passed over or named", "[config]") {
  const TempDir folder;
  const std::filesystem::path file = folder / "tapd.toml";
  write(file, "\xEF\xBB\xBF" + good);
  CHECK(read_config(file).controller_id == "bar-1");
  for (const char* mark : {"\xFF\xFE", "\xFE\xFF"}) {
    write(file, mark + good);
    CHECK_THROWS_MATCHES(read_config(file), ConfigError,
                         MessageMatches(ContainsSubstring("save it as UTF-8")));
  }
  write(file, "");
  CHECK_THROWS_MATCHES(read_config(file), ConfigError,
                       MessageMatches(ContainsSubstring("controller.id: is missing")));
}

}  // namespace tapd::test
