// Whole files as strings, for tests that damage a file, lay one out or look whether one changed. A
// missing file reads as empty; an error on writing shows in what the test reads afterwards.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace tapd::test {

[[nodiscard]] inline std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline void write_file(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream out{file, std::ios::binary};
  out << bytes;
}

}  // namespace tapd::test
