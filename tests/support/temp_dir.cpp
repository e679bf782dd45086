#include "tests/support/temp_dir.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace tapd::test {

namespace {

/// A container's is often 64 MiB, less than a database takes.
constexpr std::uintmax_t roomy = 1U << 30U;

std::filesystem::path folder_on(Medium medium) {
  const char* const memory = "/dev/shm";
  std::error_code none;
  const bool fits = std::filesystem::space(memory, none).available >= roomy && !none;
  if (medium == Medium::memory && fits && ::access(memory, W_OK) == 0) return memory;
  return std::filesystem::temp_directory_path();
}

}  // namespace

TempDir::TempDir(Medium medium) {
  std::string name = (folder_on(medium) / "tapd-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "cannot make the folder " + name);
  }
  path_ = name;
}

TempDir::~TempDir() {
  // A folder that cannot be removed is litter, not a failed test.
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

TempDir::TempDir(TempDir&& other) noexcept : path_{std::exchange(other.path_, {})} {}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

}  // namespace tapd::test
