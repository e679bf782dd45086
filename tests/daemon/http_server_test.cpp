#include "daemon/http_server.hpp"

#include <stdexcept>

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "daemon/api_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace tapd::test {

TEST_CASE("a handler that throws is answered with its words as JSON", "[http_server]") {
  const TempDir folder;
  const HttpServer server{folder / "api.sock", [](const ApiRequest&) -> ApiResponse {
                            throw std::runtime_error{"cannot read \"a\\b\"\n"};
                          }};
  const auto answer = ApiClient{folder / "api.sock"}.get("/status");
  REQUIRE(answer);
  CHECK(answer->status == 500);
  CHECK(nlohmann::json::parse(answer->body).at("error") == "cannot read \"a\\b\"\n");
}

}  // namespace tapd::test
