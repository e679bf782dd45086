// The transport against real servers on loopback: cpp-httplib for what servers do right, raw
// sockets for what they do wrong.
#include "sync/curl_transport.hpp"

#include <cstdlib>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/support/free_port.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/sync/raw_server.hpp"
#include "tests/sync/self_signed.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using Kind = TransportError::Kind;
using First = test::RawServer::First;
using Then = test::RawServer::Then;

/// cpp-httplib on a thread of its own, until it goes out of scope.
class WebServer {
 public:
  WebServer() {
    server.set_keep_alive_max_count(100);
    port_ = server.bind_to_any_port("127.0.0.1");
  }
  ~WebServer() {
    server.stop();
    if (thread_.joinable()) thread_.join();
  }
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;
  WebServer(WebServer&&) = delete;
  WebServer& operator=(WebServer&&) = delete;

  void start() {
    thread_ = std::thread{[this] { server.listen_after_bind(); }};
    while (!server.is_running()) std::this_thread::yield();
  }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }

  httplib::Server server;

 private:
  int port_{0};
  std::thread thread_;
};

CurlOptions to(const std::string& url) {
  CurlOptions options;
  options.base_url = url;
  return options;
}

HttpRequest get(const std::string& path, std::chrono::milliseconds deadline = 5s) {
  HttpRequest request;
  request.path = path;
  request.deadline = deadline;
  return request;
}

/// Waits for one completion; bounded.
Completion completion(Transport& transport) {
  for (int i = 0; i < 1'000; ++i) {
    auto done = transport.wait(100ms);
    if (!done.empty()) {
      REQUIRE(done.size() == 1);
      return done.front();
    }
  }
  FAIL("the request never completed");
  return {};
}

HttpOutcome outcome(const CurlOptions& options, const HttpRequest& request) {
  CurlTransport transport{options};
  transport.start(7, request);
  Completion done = completion(transport);
  CHECK(done.id == 7);
  return done.outcome;
}

TEST_CASE("a request arrives as it was made and the answer as it was given", "[curl]") {
  WebServer web;
  web.server.Post("/base/api/echo", [](const httplib::Request& request, httplib::Response& answer) {
    answer.status = 207;
    answer.set_header("X-Token-Seen", request.get_header_value("X-Internal-Token"));
    answer.set_header("X-Agent-Seen", request.get_header_value("User-Agent"));
    answer.set_header("X-Expect-Seen", request.has_header("Expect") ? "yes" : "no");
    answer.set_content(request.body, request.get_header_value("Content-Type").c_str());
  });
  web.start();
  CurlOptions options = to(web.url() + "/base/");
  options.user_agent = "tapd/0.1.0";
  HttpRequest request = get("/api/echo");
  request.method = HttpRequest::Method::post;
  request.headers = {{"X-Internal-Token", "secret"}, {"Content-Type", "application/json"}};
  request.body = "{\"text\": \"\\u00e4\"}" + std::string(100'000, ' ');
  const HttpOutcome answer = outcome(options, request);
  REQUIRE(answer);
  CHECK(answer->status == 207);
  CHECK(answer->body == request.body);
  CHECK(answer->headers.at("x-token-seen") == "secret");
  CHECK(answer->headers.at("x-agent-seen") == "tapd/0.1.0");
  CHECK(answer->headers.at("x-expect-seen") == "no");
  CHECK(answer->headers.at("content-type") == "application/json");
}

TEST_CASE("an error status is an answer like any other", "[curl]") {
  WebServer web;
  web.server.Get("/gone", [](const httplib::Request&, httplib::Response& answer) {
    answer.status = 503;
    answer.set_header("Retry-After", "7");
  });
  web.start();
  const HttpOutcome answer = outcome(to(web.url()), get("/gone"));
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(answer->headers.at("retry-after") == "7");
}

TEST_CASE("a compressed answer is unpacked", "[curl]") {
  const std::string text(300'000, 'x');
  WebServer web;
  web.server.Get("/large", [&text](const httplib::Request& request, httplib::Response& answer) {
    answer.set_header("X-Accepts", request.get_header_value("Accept-Encoding"));
    answer.set_content(text, "application/json");
  });
  web.start();
  const HttpOutcome answer = outcome(to(web.url()), get("/large"));
  REQUIRE(answer);
  CHECK(answer->headers.at("content-encoding") == "gzip");
  CHECK(answer->headers.at("x-accepts") == "gzip, deflate");
  CHECK(answer->body == text);
}

TEST_CASE("a small compressed answer that grows past the limit is stopped", "[curl]") {
  const std::string text(3'000'000, 'x');
  WebServer web;
  web.server.Get("/bomb", [&text](const httplib::Request&, httplib::Response& answer) {
    answer.set_content(text, "application/json");
  });
  web.start();
  CurlOptions options = to(web.url());
  options.largest_body = 1'000'000;
  const HttpOutcome answer = outcome(options, get("/bomb"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::too_large);
}

TEST_CASE("no answer in time is a time-out that names the server", "[curl]") {
  const test::RawServer silent{"", Then::keep_silent};
  const HttpOutcome answer = outcome(to(silent.url()), get("/", 150ms));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::timeout);
  CHECK(answer.error().message.find("150 ms") != std::string::npos);
  CHECK(answer.error().message.find("127.0.0.1:") != std::string::npos);
}

TEST_CASE("an answer that never ends is cut at the deadline", "[curl]") {
  const test::RawServer slow{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", Then::keep_silent};
  const HttpOutcome answer = outcome(to(slow.url()), get("/", 150ms));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::timeout);
}

TEST_CASE("a refused connection is no link, and says so", "[curl]") {
  const int port = tapd::test::free_port();
  const HttpOutcome answer = outcome(to(fmt::format("http://127.0.0.1:{}", port)), get("/"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::no_link);
  CHECK(answer.error().message == fmt::format("connection refused (127.0.0.1:{})", port));
}

TEST_CASE("a name that does not exist is no link", "[curl]") {
  const HttpOutcome answer = outcome(to("http://no-such-host.invalid:8000"), get("/", 2s));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::no_link);
  CHECK(answer.error().message.find("no-such-host.invalid:8000") != std::string::npos);
}

TEST_CASE("a body is bounded by its announced length and by what really comes", "[curl]") {
  CurlOptions options;
  options.largest_body = 1'000;
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  SECTION("at the limit") {
    const test::RawServer server{ok + "Content-Length: 1000\r\n\r\n" + std::string(1'000, 'x'),
                                 Then::hang_up};
    options.base_url = server.url();
    const HttpOutcome answer = outcome(options, get("/"));
    REQUIRE(answer);
    CHECK(answer->body.size() == 1'000);
  }
  SECTION("announced") {
    const test::RawServer server{ok + "Content-Length: 1001\r\n\r\n" + std::string(1'001, 'x'),
                                 Then::hang_up};
    options.base_url = server.url();
    const HttpOutcome answer = outcome(options, get("/"));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::too_large);
  }
  SECTION("unannounced") {
    const test::RawServer server{ok + "\r\n" + std::string(1'001, 'x'), Then::hang_up};
    options.base_url = server.url();
    const HttpOutcome answer = outcome(options, get("/"));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == Kind::too_large);
    CHECK(answer.error().message.find("body") != std::string::npos);
  }
}

TEST_CASE("a flood of headers is stopped, by size and by number", "[curl]") {
  std::string flood = "HTTP/1.1 200 OK\r\n";
  const bool large = GENERATE(true, false);
  for (int i = 0; i < (large ? 50 : 500); ++i) {
    flood += fmt::format("X-{}: {}\r\n", i, std::string(large ? 2'000 : 1, 'y'));
  }
  const test::RawServer server{flood + "Content-Length: 2\r\n\r\n{}", Then::hang_up};
  const HttpOutcome answer = outcome(to(server.url()), get("/"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::too_large);
  CHECK(answer.error().message.find("headers") != std::string::npos);
}

TEST_CASE("a connection that is cut leaves the outcome unknown", "[curl]") {
  const auto* const bytes = GENERATE("", "HTTP/1.1 200 OK\r\n",
                                     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\": 1");
  const test::RawServer server{bytes, Then::hang_up};
  const HttpOutcome answer = outcome(to(server.url()), get("/", 2s));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::other);
  CHECK(answer.error().message.find("127.0.0.1:") != std::string::npos);
}

TEST_CASE("what is not HTTP is an error", "[curl]") {
  const test::RawServer server{"220 mail.example ESMTP\r\n", Then::hang_up};
  const HttpOutcome answer = outcome(to(server.url()), get("/", 2s));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::other);
}

TEST_CASE("plain HTTP behind https is a TLS error", "[curl]") {
  // Talks first: whether a TLS greeting looks like a line of HTTP depends on its random bytes.
  const test::RawServer web{"HTTP/1.1 400 Bad Request\r\n\r\n", Then::keep_silent, First::talk};
  const HttpOutcome answer = outcome(to("https" + web.url().substr(4)), get("/"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == Kind::tls);
}

TEST_CASE("over TLS only the venue's own authority and name are trusted", "[curl]") {
  const tapd::test::TempDir folder;
  const test::SelfSigned venue{"127.0.0.1"};
  const test::SelfSigned stranger{"127.0.0.1"};
  const test::SelfSigned other_name{"192.0.2.1"};
  const auto ask = [&folder](const test::SelfSigned& server, const test::SelfSigned& trusted) {
    httplib::SSLServer web{server.certificate(), server.key()};
    web.Get("/", [](const httplib::Request&, httplib::Response&) {});
    const int port = web.bind_to_any_port("127.0.0.1");
    std::thread thread{[&web] { web.listen_after_bind(); }};
    while (!web.is_running()) std::this_thread::yield();
    CurlOptions options = to(fmt::format("https://127.0.0.1:{}", port));
    options.ca_file = trusted.write(folder / "ca.pem");
    const HttpOutcome answer = outcome(options, get("/"));
    web.stop();
    thread.join();
    return answer;
  };
  CHECK(ask(venue, venue).value_or(HttpResponse{}).status == 200);
  const HttpOutcome unknown = ask(venue, stranger);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == Kind::tls);
  const HttpOutcome misnamed = ask(other_name, other_name);
  REQUIRE_FALSE(misnamed);
  CHECK(misnamed.error().kind == Kind::tls);
}

TEST_CASE("a redirect is told and not followed", "[curl]") {
  int elsewhere = 0;
  WebServer web;
  web.server.Get("/from", [](const httplib::Request&, httplib::Response& answer) {
    answer.set_redirect("/to");
  });
  web.server.Get("/to", [&elsewhere](const httplib::Request&, httplib::Response&) { ++elsewhere; });
  web.start();
  const HttpOutcome answer = outcome(to(web.url()), get("/from"));
  REQUIRE(answer);
  CHECK(answer->status == 302);
  CHECK(answer->headers.at("location") == "/to");
  CHECK(elsewhere == 0);
}

TEST_CASE("a proxy of the environment is not used", "[curl]") {
  WebServer web;
  web.server.Get("/", [](const httplib::Request&, httplib::Response&) {});
  web.start();
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  const HttpOutcome answer = outcome(to(web.url()), get("/"));
  unsetenv("http_proxy");
  REQUIRE(answer);
  CHECK(answer->status == 200);
}

TEST_CASE("one connection serves several requests", "[curl]") {
  std::mutex mutex;
  std::set<int> ports;
  WebServer web;
  web.server.Get("/", [&](const httplib::Request& request, httplib::Response&) {
    const std::scoped_lock lock{mutex};
    ports.insert(request.remote_port);
  });
  web.start();
  CurlTransport transport{to(web.url())};
  for (RequestId id = 1; id <= 5; ++id) {
    transport.start(id, get("/"));
    CHECK(completion(transport).id == id);
  }
  const std::scoped_lock lock{mutex};
  CHECK(ports.size() == 1);
}

TEST_CASE("a slow request holds up no other", "[curl]") {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  WebServer web;
  web.server.Get("/slow",
                 [released](const httplib::Request&, httplib::Response&) { released.wait(); });
  web.server.Get("/fast", [](const httplib::Request&, httplib::Response&) {});
  web.start();
  CurlTransport transport{to(web.url())};
  transport.start(1, get("/slow", 30s));
  for (RequestId id = 2; id <= 4; ++id) {
    transport.start(id, get("/fast"));
    CHECK(completion(transport).id == id);
  }
  release.set_value();
  CHECK(completion(transport).id == 1);
}

TEST_CASE("waking ends a wait at once, also one that has not begun", "[curl]") {
  CurlTransport transport{to("http://127.0.0.1:9")};
  transport.wake();
  CHECK(transport.wait(60s).empty());  // The test's own time limit would end a longer one.
  std::thread other{[&transport] { transport.wake(); }};
  CHECK(transport.wait(60s).empty());
  other.join();
}

TEST_CASE("destruction cancels what is in flight without waiting for it", "[curl]") {
  const test::RawServer silent{"", Then::keep_silent};
  CurlTransport transport{to(silent.url())};
  for (RequestId id = 1; id <= 5; ++id) transport.start(id, get("/", 60s));
  for (int i = 0; i < 100 && silent.connections() == 0; ++i) (void)transport.wait(20ms);
  CHECK(silent.connections() > 0);
}

TEST_CASE("a request that cannot be made completes with an error", "[curl]") {
  CurlTransport transport{to("http://127.0.0.1:9")};
  HttpRequest wrong = get("/");
  SECTION("a path that leaves the server") {
    wrong.path = "@elsewhere.example/";
  }
  SECTION("a path with a line break") {
    wrong.path = "/a\r\nX: y";
  }
  SECTION("a header with a line break") {
    wrong.headers = {{"X-A", "b\r\nX-C: d"}};
  }
  transport.start(3, wrong);
  const Completion done = completion(transport);
  CHECK(done.id == 3);
  REQUIRE_FALSE(done.outcome);
  CHECK(done.outcome.error().kind == Kind::other);
}

TEST_CASE("a server URL that tapd cannot or must not use is refused at the start", "[curl]") {
  const auto* const url =
      GENERATE("", "venue", "ftp://venue/", "file:///etc/passwd", "http://", "http://user:pw@venue",
               "http://venue/?a=b", "http://venue/#top", "http://venue:99999", "http://ve nue");
  CAPTURE(url);
  CHECK_THROWS_AS(CurlTransport{to(url)}, std::invalid_argument);
}

TEST_CASE("a CA file that is not there is refused at the start", "[curl]") {
  CurlOptions options = to("https://venue");
  options.ca_file = "/nonexistent/ca.pem";
  CHECK_THROWS_AS(CurlTransport{options}, std::runtime_error);
}

}  // namespace
}  // namespace tapd::sync
