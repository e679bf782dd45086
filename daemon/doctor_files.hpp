// How the doctor's checks look at files, below a root that a test may choose.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace tapd {

/// `path` as seen below `root`.
[[nodiscard]] inline std::filesystem::path below(const std::filesystem::path& root,
                                                 const std::filesystem::path& path) {
  return root / path.relative_path();
}

/// Empty where the file cannot be read.
[[nodiscard]] inline std::string first_line(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace tapd
