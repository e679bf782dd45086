#include "daemon/http_server.hpp"

#include <cstring>
#include <stdexcept>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "daemon/api_client.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unique_fd.hpp"

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

TEST_CASE("the server goes while a client still listens", "[http_server][stream]") {
  const TempDir folder;
  const std::filesystem::path path = folder / "api.sock";
  const UniqueFd client{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  {
    const HttpServer server{path, [](const ApiRequest&) {
                              ApiResponse response;
                              response.stream = [](std::uint64_t& seen) {
                                return seen++ == 0 ? std::string{"told\n"} : std::string{};
                              };
                              return response;
                            }};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.string().size() + 1);
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
    const std::string request = "GET /stream HTTP/1.1\r\nHost: tapd\r\n\r\n";
    REQUIRE(::send(client.get(), request.data(), request.size(), 0) ==
            static_cast<ssize_t>(request.size()));
    std::string said;
    while (said.find("told") == std::string::npos) {
      std::string room(4'096, '\0');
      const ssize_t got = ::recv(client.get(), room.data(), room.size(), 0);
      REQUIRE(got > 0);
      said.append(room, 0, static_cast<std::size_t>(got));
    }
  }
  // Found by reading: it waited for ever. Here it has gone, and the client is told so.
  std::string room(4'096, '\0');
  while (::recv(client.get(), room.data(), room.size(), 0) > 0) {
  }
  SUCCEED();
}

}  // namespace tapd::test
