// What tapd accepts of a venue's TLS, one point at a time.
#include <chrono>
#include <string>
#include <vector>

#include <openssl/ssl.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "sync/curl_transport.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/sync/tls_server.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Kind = TransportError::Kind;
using test::SelfSigned;
using test::TlsServer;

/// One GET with this authority trusted, or the system's when `trusted` is null.
HttpOutcome ask(const std::string& url, const SelfSigned* trusted, CurlOptions options = {}) {
  const tapd::test::TempDir folder;
  options.base_url = url;
  if (trusted != nullptr) options.ca_file = trusted->write(folder / "ca.pem");
  CurlTransport transport{options};
  HttpRequest request;
  request.path = "/api/system/status";
  request.deadline = 5s;
  transport.start(1, request);
  // It ends at its deadline at the latest.
  for (;;) {
    auto done = transport.wait(100ms);
    if (!done.empty()) return done.front().outcome;
  }
}

TransportError error_of(const HttpOutcome& outcome) {
  REQUIRE_FALSE(outcome);
  return outcome.error();
}

TEST_CASE("a certificate that has expired is refused by that word and by address", "[tls]") {
  const SelfSigned expired{"127.0.0.1", -24h};
  TlsServer server{expired, {}};
  const TransportError error = error_of(ask(server.url(), &expired));
  CHECK(error.kind == Kind::tls);
  CHECK_THAT(error.message, ContainsSubstring("expired"));
  CHECK_THAT(error.message, ContainsSubstring("127.0.0.1:"));
  CHECK(server.first_bytes().empty());
}

TEST_CASE("a certificate that signs itself is refused unless it is the venue's", "[tls]") {
  const SelfSigned stranger{"127.0.0.1"};
  TlsServer server{stranger, {}};
  const TransportError error = error_of(ask(server.url(), nullptr));
  CHECK(error.kind == Kind::tls);
  CHECK_THAT(error.message, ContainsSubstring("self"));
  CHECK(server.first_bytes().empty());
}

TEST_CASE("TLS 1.1 is refused, 1.2 and 1.3 are spoken", "[tls]") {
  const SelfSigned venue{"127.0.0.1"};
  TlsServer old{venue, {TLS1_VERSION, TLS1_1_VERSION, ""}};
  const TransportError error = error_of(ask(old.url(), &venue));
  CHECK(error.kind == Kind::tls);
  CHECK(old.first_bytes().empty());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsServer good{venue, {version, version, ""}};
    (void)ask(good.url(), &venue);
    CHECK_THAT(good.first_bytes(), ContainsSubstring("GET /api/system/status HTTP/1.1"));
  }
}

TEST_CASE("the end of the server's certificate is told to who asks for it", "[tls]") {
  const SelfSigned venue{"127.0.0.1"};
  TlsServer server{venue, {}};
  std::vector<std::string> ends;
  CurlOptions options;
  options.on_certificate = [&ends](const std::string& end) { ends.push_back(end); };
  (void)ask(server.url(), &venue, options);
  REQUIRE(ends.size() == 1);
  CHECK_THAT(ends[0], EndsWith("GMT"));
}

TEST_CASE("HTTP/2 is spoken where the server offers it", "[tls]") {
  const SelfSigned venue{"127.0.0.1"};
  TlsServer server{venue, {0, 0, "h2"}};
  (void)ask(server.url(), &venue);
  // RFC 9113, section 3.4.
  CHECK(server.first_bytes().starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
}

}  // namespace
}  // namespace tapd::sync
