// A folder that exists as long as its owner. Tests and the demo put databases, logs and sockets
// into one. The folder is new, empty and private (mode 0700); it is removed with everything in it
// when the owner goes out of scope. A process killed by SIGKILL leaves its folder behind.
#pragma once

#include <cstdint>
#include <filesystem>

namespace tapd::test {

/// What a folder lies on.
enum class Medium : std::uint8_t {
  disk,    ///< The system's folder for temporary files ($TMPDIR or /tmp).
  memory,  ///< /dev/shm where there is a roomy one: for tests that a slow disk must not decide.
};

class TempDir {
 public:
  /// Throws std::system_error when the folder cannot be made.
  explicit TempDir(Medium medium = Medium::disk);
  ~TempDir();
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&& other) noexcept;
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// A path inside the folder; makes nothing.
  [[nodiscard]] std::filesystem::path operator/(const std::filesystem::path& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace tapd::test
