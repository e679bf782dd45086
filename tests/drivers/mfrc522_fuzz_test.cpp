// Runs the fuzzer's function with a corpus and with seeded random inputs: the same ones each time.
// It aborts where a promise is broken, so nothing is left to check afterwards but that it came
// back.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <random>
#include <vector>

#include "tests/drivers/mfrc522_fuzz.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t longest_input = 2'048;

int run(const Bytes& input) {
  return LLVMFuzzerTestOneInput(input.data(), input.size());
}

/// `eventful`: of 256 transfers so many meet a fate; the others pass.
Bytes random_input(std::mt19937_64& random, unsigned eventful) {
  Bytes input(random() % longest_input);
  for (std::uint8_t& byte : input) {
    const auto value = static_cast<std::uint8_t>(random());
    byte = random() % 256 < eventful ? static_cast<std::uint8_t>(value | 0xC0U)
                                     : static_cast<std::uint8_t>(value & 0x3FU);
  }
  if (!input.empty()) input[0] = static_cast<std::uint8_t>(random());
  return input;
}

TEST_CASE("inputs that once were interesting keep every promise", "[mfrc522][fuzz]") {
  CHECK(run({}) == 0);
  for (unsigned world = 0; world < 256; ++world) {
    const auto first = static_cast<std::uint8_t>(world);
    for (const unsigned fate : {0x00U, 0xC0U, 0xC1U, 0xC2U, 0xC3U, 0xC4U, 0xC5U, 0xCEU, 0xC7U}) {
      Bytes input(400, static_cast<std::uint8_t>(fate));
      input[0] = first;
      CHECK(run(input) == 0);  // all the time
      std::fill(input.begin() + 1, input.begin() + 120, std::uint8_t{0});
      CHECK(run(input) == 0);  // after a good beginning
      std::fill(input.begin() + 130, input.end(), std::uint8_t{0});
      CHECK(run(input) == 0);  // for a while
    }
  }
}

TEST_CASE("random bytes on the bus break no promise", "[mfrc522][fuzz]") {
  const auto eventful = GENERATE(2U, 20U, 200U);
  std::mt19937_64 random{eventful};
  for (int i = 0; i < 4'000; ++i) {
    const Bytes input = random_input(random, eventful);
    REQUIRE(run(input) == 0);
  }
}

TEST_CASE("wholly random bytes break no promise", "[mfrc522][fuzz]") {
  std::mt19937_64 random{14'443};
  for (int i = 0; i < 4'000; ++i) {
    Bytes input(random() % longest_input);
    for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(random());
    REQUIRE(run(input) == 0);
  }
}

}  // namespace
