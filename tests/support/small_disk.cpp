#include "tests/support/small_disk.hpp"

#include <fstream>
#include <stdexcept>
#include <string>

#include <fmt/format.h>
#include <sys/mount.h>

namespace tapd::test {

SmallDisk::SmallDisk(const char* size)
    : mounted_{::mount("tapd-test", folder_.path().c_str(), "tmpfs", 0,
                       fmt::format("size={}", size).c_str()) == 0} {}

SmallDisk::~SmallDisk() {
  if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
}

void SmallDisk::fill() const {
  std::ofstream filler{folder_ / "filler", std::ios::binary};
  const std::string block(4'096, 'x');
  while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
}

void SmallDisk::leave(std::uintmax_t bytes) const {
  const auto free = std::filesystem::space(folder_.path()).available;
  if (free <= bytes) throw std::length_error{"the small disk has less than is to be left"};
  std::ofstream{folder_ / "filler", std::ios::binary}
      << std::string(static_cast<std::size_t>(free - bytes), 'x');
}

void SmallDisk::make_room() const {
  std::filesystem::remove(folder_ / "filler");
}

}  // namespace tapd::test
