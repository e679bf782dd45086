// The reference venue server, of either kind, on a PostgreSQL of the executable's own.
#pragma once

#include <string>

#include "tests/central/central_server.hpp"
#include "tests/central/database.hpp"
#include "tests/support/postgres_cluster.hpp"

namespace tapd::conformance {

inline constexpr const char* token = "right-token";

class ServedBar {
 public:
  explicit ServedBar(bool strict) : url_{fresh_schema()}, server_{options(url_, strict)} {}

  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] const std::string& database_url() const { return url_; }
  /// One number from the database.
  [[nodiscard]] std::int64_t number(const char* query) {
    return central::Connection{url_}.run(query).integer(0, 0);
  }

 private:
  static std::string fresh_schema() {
    // Without fsync: nobody crashes here.
    static test::PostgresCluster cluster{{.fsync = false}};
    static int count = 0;
    const std::string name = "served_" + std::to_string(++count);
    central::Connection{cluster.url()}.run_script("CREATE SCHEMA " + name);
    return cluster.url() + "?options=-csearch_path%3D" + name;
  }
  static central::CentralOptions options(const std::string& url, bool strict) {
    central::CentralOptions chosen;
    chosen.database_url = url;
    chosen.seed_file = TAPD_CENTRAL_BAR_FILE;
    chosen.strict = strict;
    chosen.http.token = token;
    chosen.http.test_controls = true;
    return chosen;
  }

  std::string url_;
  central::CentralServer server_;
};

}  // namespace tapd::conformance
