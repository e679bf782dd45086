// Any bytes as the answer of any endpoint. The first byte chooses the endpoint, the others are the
// body. A promise that breaks ends the program.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/sync/bad_answers.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): the name by which libFuzzer calls it
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tapd::sync::test::GoodAnswer;
  static const std::vector<GoodAnswer> endpoints = tapd::sync::test::good_answers();
  if (size == 0) return 0;
  const std::string& endpoint = endpoints[data[0] % endpoints.size()].endpoint;
  const std::string body(data + 1, data + size);
  const std::string wrong = tapd::sync::test::wrong_reading(endpoint, body);
  if (wrong.empty()) return 0;
  std::fprintf(stderr, "%s: %s\n", endpoint.c_str(), wrong.c_str());
  std::abort();
}
