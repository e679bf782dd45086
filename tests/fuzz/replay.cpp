// Runs a fuzzer's function over its corpus, without the fuzzer: an input a line, in hexadecimal.
// Each input once led the search somewhere new, or once broke a promise.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): the name by which libFuzzer calls it
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

std::optional<Bytes> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  Bytes bytes(digits.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::string_view pair = digits.substr(2 * i, 2);
    const char* end = pair.data() + pair.size();
    const auto [stop, error] = std::from_chars(pair.data(), end, bytes[i], 16);
    if (error != std::errc{} || stop != end) return std::nullopt;
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS.hex\n", argv[0]);
    return 2;
  }
  std::ifstream corpus{argv[1]};
  std::string line;
  int inputs = 0;
  while (std::getline(corpus, line)) {
    const auto bytes = from_hex(line);
    if (!bytes) {
      std::fprintf(stderr, "%s:%d: not an even number of hexadecimal digits\n", argv[1],
                   inputs + 1);
      return 2;
    }
    // Told before it runs: a broken promise ends the program here.
    std::fprintf(stderr, "\r%d", ++inputs);
    LLVMFuzzerTestOneInput(bytes->data(), bytes->size());
  }
  std::fprintf(stderr, "\r%d inputs of %s break no promise\n", inputs, argv[1]);
  return inputs > 0 ? 0 : 1;
}
