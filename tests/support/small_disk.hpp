// A file system of its own, as small as an SD card that is nearly full (a tmpfs, so for root only).
#pragma once

#include <cstdint>
#include <filesystem>

#include "tests/support/temp_dir.hpp"

namespace tapd::test {

class SmallDisk {
 public:
  /// `size` as mount(8) takes it: "8m". It is unmounted with its owner.
  explicit SmallDisk(const char* size);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  SmallDisk(SmallDisk&&) = delete;
  SmallDisk& operator=(SmallDisk&&) = delete;

  /// False where nothing can be mounted: the test is to be skipped then.
  [[nodiscard]] bool mounted() const { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  [[nodiscard]] std::filesystem::path operator/(const std::filesystem::path& name) const {
    return folder_ / name;
  }
  void fill() const;
  /// Leaves only so much. Throws std::length_error when there is less.
  void leave(std::uintmax_t bytes) const;
  void make_room() const;

 private:
  TempDir folder_;
  bool mounted_;
};

}  // namespace tapd::test
