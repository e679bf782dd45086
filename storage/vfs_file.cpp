#include "storage/vfs_file.hpp"

#include <algorithm>
#include <new>

namespace tapd::storage {
namespace {

/// The system's VFS takes less than 128 KiB at a time, and calls more a full disk.
constexpr std::size_t at_a_time = 64 * 1'024;

}  // namespace

std::optional<std::string> read_at(sqlite3_file& file, std::int64_t offset, std::size_t size) {
  sqlite3_int64 there = 0;
  if (file.pMethods->xFileSize(&file, &there) != SQLITE_OK) return std::nullopt;
  if (offset >= there) return std::string{};
  std::string bytes(std::min(size, static_cast<std::size_t>(there - offset)), '\0');
  for (std::size_t done = 0; done < bytes.size(); done += at_a_time) {
    const auto part = static_cast<int>(std::min(at_a_time, bytes.size() - done));
    const auto from = offset + static_cast<std::int64_t>(done);
    if (file.pMethods->xRead(&file, bytes.data() + done, part, from) != SQLITE_OK) {
      return std::nullopt;
    }
  }
  return bytes;
}

VfsFile::VfsFile(sqlite3_vfs& vfs, const std::string& path, int flags)
    : memory_{new std::byte[static_cast<std::size_t>(vfs.szOsFile)]{}},
      name_{const_cast<char*>(sqlite3_create_filename(path.c_str(), (path + "-journal").c_str(),
                                                      (path + "-wal").c_str(), 0, nullptr))},
      file_{reinterpret_cast<sqlite3_file*>(memory_.get())} {
  if (name_ == nullptr) throw std::bad_alloc{};
  code_ = vfs.xOpen(&vfs, name_, file_, flags, nullptr);
}

VfsFile::~VfsFile() {
  // xOpen says with the methods whether there is something to close.
  if (file_->pMethods != nullptr) file_->pMethods->xClose(file_);
  sqlite3_free_filename(name_);
}

std::optional<std::string> VfsFile::content(std::size_t most) {
  auto bytes = read_at(*file_, 0, most + 1);
  if (bytes && bytes->size() > most) return std::nullopt;
  return bytes;
}

int VfsFile::write(const std::string& bytes, std::int64_t offset) {
  for (std::size_t done = 0; done < bytes.size(); done += at_a_time) {
    const auto part = static_cast<int>(std::min(at_a_time, bytes.size() - done));
    const auto to = offset + static_cast<std::int64_t>(done);
    const int code = file_->pMethods->xWrite(file_, bytes.data() + done, part, to);
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int VfsFile::sync() {
  return file_->pMethods->xSync(file_, SQLITE_SYNC_NORMAL);
}

}  // namespace tapd::storage
