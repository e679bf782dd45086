#include "tests/support/postgres_cluster.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace tapd::test;
using namespace std::chrono_literals;

namespace {

FinishedChild psql(const std::string& url, const std::string& sql) {
  return run_child({.program = postgres_programs() / "psql",
                    .arguments = {"-X", "-A", "-t", "-d", url, "-c", sql}},
                   10s);
}

}  // namespace

TEST_CASE("a throw-away cluster answers over TCP and over its socket", "[postgres]") {
  const PostgresCluster cluster;
  CHECK(psql(cluster.url(), "SELECT 6 * 7").output == "42\n");
  CHECK(psql(cluster.socket_url(), "SHOW fsync").output == "on\n");
  CHECK(psql(cluster.url(), "SHOW listen_addresses").output == "127.0.0.1\n");
}

TEST_CASE("what was committed survives a crash of the cluster", "[postgres]") {
  PostgresCluster cluster;
  REQUIRE(psql(cluster.url(), "CREATE TABLE t AS SELECT 7 AS n").status.success());
  cluster.crash();
  CHECK_FALSE(psql(cluster.url(), "SELECT 1").status.success());
  cluster.start();
  CHECK(psql(cluster.url(), "SELECT n FROM t").output == "7\n");
}

TEST_CASE("a cluster leaves neither server nor folder behind", "[postgres]") {
  std::string url;
  std::filesystem::path folder;
  {
    const PostgresCluster cluster{{.fsync = false}};
    url = cluster.url();
    const std::string socket = cluster.socket_url();
    const auto start = socket.find("host=") + 5;
    folder = socket.substr(start, socket.find('&', start) - start);
    REQUIRE(std::filesystem::is_directory(folder));
    CHECK(psql(url, "SHOW fsync").output == "off\n");
  }
  CHECK_FALSE(psql(url, "SELECT 1").status.success());
  CHECK_FALSE(std::filesystem::exists(folder));
}
