// A body of a hundred megabytes costs tapd no more memory than it allows an answer, whether its
// length is announced or not. What grows when it is unpacked: see curl_transport_test.
#include <chrono>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "sync/curl_transport.hpp"
#include "tests/support/peak_memory.hpp"

namespace tapd::sync {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t hundred_megabytes = 100U << 20U;
constexpr std::size_t piece = 64U << 10U;
/// So many bytes of memory are seen for one that is used: the thread sanitizer keeps four with it.
#ifdef __SANITIZE_THREAD__
constexpr std::int64_t seen_for_one = 5;
#else
constexpr std::int64_t seen_for_one = 1;
#endif

bool write_piece(httplib::DataSink& sink) {
  static const std::string blanks(piece, ' ');
  return sink.write(blanks.data(), blanks.size());
}

TEST_CASE("a body of a hundred megabytes is cut off at the limit", "[curl]") {
  const bool announced = GENERATE(true, false);
  httplib::Server web;
  web.Get("/", [announced](const httplib::Request&, httplib::Response& answer) {
    if (announced) {
      answer.set_content_provider(
          hundred_megabytes, "application/json",
          [](std::size_t, std::size_t, httplib::DataSink& sink) { return write_piece(sink); });
      return;
    }
    answer.set_chunked_content_provider("application/json",
                                        [](std::size_t offset, httplib::DataSink& sink) {
                                          if (offset >= hundred_megabytes) sink.done();
                                          return offset >= hundred_megabytes || write_piece(sink);
                                        });
  });
  const int port = web.bind_to_any_port("127.0.0.1");
  std::thread thread{[&web] { web.listen_after_bind(); }};
  while (!web.is_running()) std::this_thread::yield();
  CurlOptions options;
  options.base_url = fmt::format("http://127.0.0.1:{}", port);
  const tapd::test::PeakMemory memory;
  {
    CurlTransport transport{options};
    HttpRequest request;
    request.path = "/";
    request.deadline = 20s;
    transport.start(1, request);
    std::vector<Completion> done;
    while (done.empty()) done = transport.wait(100ms);
    REQUIRE_FALSE(done.front().outcome);
    CHECK(done.front().outcome.error().kind == TransportError::Kind::too_large);
    CHECK(done.front().outcome.error().message.find("127.0.0.1:") != std::string::npos);
  }
  // The buffer doubles as it grows; both halves count while it is copied.
  const auto most = static_cast<std::int64_t>(3 * options.largest_body >> 10U);
  CHECK(memory.grown_kib() < most * seen_for_one);
  web.stop();
  thread.join();
}

}  // namespace
}  // namespace tapd::sync
