// A venue that asks its controllers for a certificate of their own.
#include <optional>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>
#include <catch2/catch_test_macros.hpp>

#include "sync/curl_transport.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/sync/self_signed.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;
using namespace test;

/// Asks a server that takes only `welcome` as a client.
HttpOutcome ask(const SelfSigned& venue, const SelfSigned& welcome, CurlOptions options) {
  X509_STORE* const store = X509_STORE_new();  // The library takes it over.
  X509_STORE_add_cert(store, welcome.certificate());
  httplib::SSLServer web{venue.certificate(), venue.key(), store};
  web.Get("/", [](const httplib::Request&, httplib::Response&) {});
  const int port = web.bind_to_any_port("127.0.0.1");
  std::thread thread{[&web] { web.listen_after_bind(); }};
  while (!web.is_running()) std::this_thread::yield();
  options.base_url = fmt::format("https://127.0.0.1:{}", port);
  HttpOutcome outcome = tl::make_unexpected(TransportError{});
  {
    CurlTransport transport{options};
    HttpRequest request;
    request.path = "/";
    request.deadline = 5s;
    transport.start(1, request);
    std::vector<Completion> done;
    while (done.empty()) done = transport.wait(1s);
    outcome = std::move(done.front().outcome);
  }
  web.stop();
  thread.join();
  return outcome;
}

TEST_CASE("a venue that asks for a certificate takes the right one only", "[curl]") {
  const tapd::test::TempDir folder;
  const SelfSigned venue{"127.0.0.1"};
  const SelfSigned controller{"127.0.0.2"};
  const SelfSigned stranger{"127.0.0.3"};
  CurlOptions options;
  options.ca_file = venue.write(folder / "ca.pem");
  const HttpOutcome without = ask(venue, controller, options);
  CHECK_FALSE(without);
  options.client_certificate_file = controller.write(folder / "own.pem");
  options.client_key_file = controller.write_key(folder / "own.key");
  const HttpOutcome with = ask(venue, controller, options);
  INFO((with ? "" : with.error().message));
  CHECK(with);
  CHECK_FALSE(ask(venue, stranger, options));
}

TEST_CASE("a certificate without its key is told at the start", "[curl]") {
  const tapd::test::TempDir folder;
  const SelfSigned own{"127.0.0.1"};
  CurlOptions options;
  options.base_url = "https://127.0.0.1:1";
  options.client_certificate_file = own.write(folder / "own.pem");
  CHECK_THROWS_AS(CurlTransport{options}, std::runtime_error);
  options.client_key_file = (folder / "nowhere.key").string();
  CHECK_THROWS_AS(CurlTransport{options}, std::runtime_error);
  options.client_key_file = own.write_key(folder / "own.key");
  CHECK_NOTHROW(CurlTransport{options});
}

}  // namespace
}  // namespace tapd::sync
