// Whole files as strings, for tests that damage a file, lay one out or look whether one changed. A
// missing file reads as empty; an error on writing shows in what the test reads afterwards.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
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

/// All files of the folder with their content. Looking into a WAL database leaves an empty journal
/// beside it, which says nothing.
inline std::map<std::filesystem::path, std::string> content_of(
    const std::filesystem::path& folder) {
  std::map<std::filesystem::path, std::string> content;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    const bool journal = entry.path().string().ends_with("-wal");
    if (journal && std::filesystem::is_empty(entry.path())) continue;
    content[entry.path()] = entry.is_regular_file() ? bytes_of(entry.path()) : "no file";
  }
  return content;
}

}  // namespace tapd::test
