// Preloaded into tapd: the disk under the ledger's files gets into trouble when a test says so. The
// file that TROUBLED_DISK names holds one word: "slow" (every sync takes two seconds), "very slow"
// (seven), "read-only", or anything else for none. Other files are left alone.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <dlfcn.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace {

bool trouble(std::string_view word) {
  const char* file = std::getenv("TROUBLED_DISK");
  if (file == nullptr) return false;
  const int descriptor = ::open(file, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  std::array<char, 16> text{};
  const ssize_t size = ::read(descriptor, text.data(), text.size());
  ::close(descriptor);
  return size > 0 && std::string_view{text.data(), static_cast<std::size_t>(size)} == word;
}

bool of_ledger(int descriptor) {
  std::array<char, 32> link{"/proc/self/fd/"};
  std::array<char, 512> name{};
  std::size_t at = std::strlen(link.data());
  std::array<char, 12> digits{};
  std::size_t count = 0;
  for (int rest = descriptor; rest > 0 || count == 0; rest /= 10) {
    digits.at(count++) = static_cast<char>('0' + rest % 10);
  }
  while (count > 0) link.at(at++) = digits.at(--count);
  const ssize_t size = ::readlink(link.data(), name.data(), name.size());
  return size > 0 && std::string_view{name.data(), static_cast<std::size_t>(size)}.find(
                         "/tapd.db") != std::string_view::npos;
}

template<typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int slow_sync(const char* name, int descriptor) {
  if (of_ledger(descriptor)) {
    const time_t seconds = trouble("slow") ? 2 : trouble("very slow") ? 7 : 0;
    const timespec pause{seconds, 0};
    ::nanosleep(&pause, nullptr);
  }
  return next<int (*)(int)>(name)(descriptor);
}

bool refuses_writes(int descriptor) {
  if (!of_ledger(descriptor) || !trouble("read-only")) return false;
  errno = EROFS;
  return true;
}

}  // namespace

extern "C" {

int fsync(int descriptor) {
  return slow_sync("fsync", descriptor);
}
int fdatasync(int descriptor) {
  return slow_sync("fdatasync", descriptor);
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  if (refuses_writes(descriptor)) return -1;
  return next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64")(descriptor, bytes, size,
                                                                          offset);
}
ssize_t write(int descriptor, const void* bytes, size_t size) {
  if (refuses_writes(descriptor)) return -1;
  return next<ssize_t (*)(int, const void*, size_t)>("write")(descriptor, bytes, size);
}

}  // extern "C"
