// What tapd says when a file of the server's is missing: where it belongs, and what makes tapd look
// again.
#include <cstdlib>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "daemon/server_setup.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("a credential belongs where systemd takes it from, and comes with a restart only",
          "[server_setup]") {
  const TempDir handed_over;
  REQUIRE(::setenv("CREDENTIALS_DIRECTORY", handed_over.path().c_str(), 1) == 0);
  Config config;
  config.controller_id = "bar-1";
  config.server.url = "http://127.0.0.1:9";
  config.server.token_file = "token";
  CHECK_THAT(server_trouble(config),
             ContainsSubstring("the venue's token into /etc/tapd/credentials/token") &&
                 ContainsSubstring("then systemctl restart tapd"));
  config.server.token_file = "/nowhere/token";
  CHECK_THAT(server_trouble(config), ContainsSubstring("the venue's token into /nowhere/token") &&
                                         ContainsSubstring("then systemctl reload tapd") &&
                                         !ContainsSubstring("restart"));
  REQUIRE(::unsetenv("CREDENTIALS_DIRECTORY") == 0);
}

}  // namespace tapd::test
