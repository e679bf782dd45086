// Seeded runs of what the fuzzer does, and the streams that once were or could be trouble.
#include "edge_stream.hpp"

#include <random>
#include <vector>

#include <catch2/catch_test_macros.hpp>

namespace tapd::test {
namespace {

constexpr int runs = 3'000;
constexpr std::size_t longest = 4'000;

}  // namespace

TEST_CASE("no stream of edges breaks a promise of the meter", "[edge_stream]") {
  for (std::uint32_t seed = 0; seed < runs; ++seed) {
    std::mt19937 random{seed};
    std::vector<std::uint8_t> bytes(random() % longest);
    // Some streams of every kind of record, some mostly of one: storms, gaps, a clean meter.
    const auto leaning = static_cast<std::uint8_t>(random());
    const bool leans = random() % 2 == 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>(random());
      if (leans && i % 4 == 0 && random() % 16 != 0) bytes[i] = leaning;
    }
    CAPTURE(seed);
    REQUIRE(broken_promise(bytes) == "");
  }
}

TEST_CASE("the shortest and the plainest streams break no promise", "[edge_stream]") {
  CHECK(broken_promise({}) == "");
  CHECK(broken_promise(std::vector<std::uint8_t>{0x14, 0xff, 0xff, 0x17}) == "");
  CHECK(broken_promise(std::vector<std::uint8_t>(40'000, 0x00)) == "");
  CHECK(broken_promise(std::vector<std::uint8_t>(40'000, 0xff)) == "");
  CHECK(broken_promise(std::vector<std::uint8_t>(40'000, 0x13)) == "");
}

}  // namespace tapd::test
