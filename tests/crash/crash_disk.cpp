#include "crash_disk.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace tapd::crash {
namespace {

/// Lies in memory that SQLite provides.
struct File {
  sqlite3_file base;  // First: SQLite knows this part only.
  CrashDisk* disk;
  std::string* name;  ///< Owned.
  bool powersafe;
};

File& mine(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
Bytes& content(sqlite3_file* file) {
  return mine(file).disk->files()[*mine(file).name];
}
CrashDisk& disk_of(sqlite3_vfs* vfs) {
  return test::disk_behind<CrashDisk>(vfs);
}

int close_file(sqlite3_file* file) {
  delete mine(file).name;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* to, int wanted, sqlite3_int64 offset) {
  if (mine(file).disk->reads_fail()) return SQLITE_IOERR_READ;
  const Bytes& bytes = content(file);
  const auto from = std::min(static_cast<std::size_t>(offset), bytes.size());
  const auto size = std::min(static_cast<std::size_t>(wanted), bytes.size() - from);
  if (size > 0) std::memcpy(to, bytes.data() + from, size);
  if (size == static_cast<std::size_t>(wanted)) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + size, 0, static_cast<std::size_t>(wanted) - size);
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int wanted, sqlite3_int64 offset) {
  const auto at = static_cast<std::size_t>(offset);
  const auto size = static_cast<std::size_t>(wanted);
  const int code = mine(file).disk->note(Operation::Kind::write, *mine(file).name, at, from, size);
  if (code != SQLITE_OK) return code;
  Bytes& bytes = content(file);
  if (bytes.size() < at + size) bytes.resize(at + size);
  std::memcpy(bytes.data() + at, from, size);
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  const auto new_size = static_cast<std::size_t>(size);
  const int code = mine(file).disk->note(Operation::Kind::truncate, *mine(file).name, new_size);
  if (code == SQLITE_OK) content(file).resize(new_size);
  return code;
}

int sync_file(sqlite3_file* file, int) {
  return mine(file).disk->note(Operation::Kind::sync, *mine(file).name);
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(content(file).size());
  return SQLITE_OK;
}

// A disk belongs to one process alone.
int lock_file(sqlite3_file*, int) {
  return SQLITE_OK;
}
int check_lock(sqlite3_file*, int* held) {
  *held = 0;
  return SQLITE_OK;
}
int control_file(sqlite3_file* file, int what, void* argument) {
  if (what == SQLITE_FCNTL_MMAP_SIZE) {
    *static_cast<sqlite3_int64*>(argument) = 0;
    return SQLITE_OK;
  }
  if (what == SQLITE_FCNTL_POWERSAFE_OVERWRITE) {
    // A disk that only says so in its characteristics deceives the ledger's check too.
    const bool admits = mine(file).powersafe && !mine(file).disk->promises_powersafe();
    *static_cast<int*>(argument) = admits ? 1 : 0;
    return SQLITE_OK;
  }
  return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
  constexpr int systems = 4'096;
  return systems;
}
int characteristics(sqlite3_file* file) {
  return mine(file).powersafe ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
}

// Version 1 has no shared memory: a WAL works only when the ledger locks exclusively first.
const sqlite3_io_methods file_methods{
    1,         close_file, read_file,  write_file,   truncate_file, sync_file,       file_size,
    lock_file, lock_file,  check_lock, control_file, sector_size,   characteristics, nullptr,
    nullptr,   nullptr,    nullptr,    nullptr,      nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  CrashDisk& disk = disk_of(vfs);
  file->pMethods = nullptr;
  if (name == nullptr) return SQLITE_CANTOPEN;  // temp_store is memory: nothing asks for one.
  if (!disk.files().contains(name)) {
    if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    const int code = disk.note(Operation::Kind::create, name);
    if (code != SQLITE_OK) return SQLITE_CANTOPEN;
    disk.files()[name];
  }
  const bool powersafe = disk.promises_powersafe() || sqlite3_uri_boolean(name, "psow", 1) != 0;
  new (file) File{{&file_methods}, &disk, new std::string{name}, powersafe};
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int) {
  CrashDisk& disk = disk_of(vfs);
  if (!disk.files().contains(name)) return SQLITE_IOERR_DELETE_NOENT;
  const int code = disk.note(Operation::Kind::remove, name);
  if (code == SQLITE_OK) disk.files().erase(name);
  return code;
}

int access_file(sqlite3_vfs* vfs, const char* name, int, int* result) {
  // The system's VFS calls an empty file missing: it has been created, nothing more.
  const auto found = disk_of(vfs).files().find(name);
  *result = found != disk_of(vfs).files().end() && !found->second.empty() ? 1 : 0;
  return SQLITE_OK;
}

int full_name(sqlite3_vfs*, const char* name, int size, char* to) {
  sqlite3_snprintf(size, to, "%s", name);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int size, char* to) {
  for (int i = 0; i < size; ++i) to[i] = static_cast<char>(disk_of(vfs).random() >> 40U);
  return size;
}

}  // namespace

CrashDisk::CrashDisk(Image start, DiskOptions options)
    : FailingDisk{"crash-disk", *sqlite3_vfs_find("unix"), sizeof(File)},
      options_{options},
      files_{std::move(start)} {
  vfs().xOpen = open_file;
  vfs().xDelete = delete_file;
  vfs().xAccess = access_file;
  vfs().xFullPathname = full_name;
  vfs().xRandomness = randomness;
  offer();
}

int CrashDisk::note(Operation::Kind kind, const std::string& file, std::size_t offset,
                    const void* bytes, std::size_t size) {
  if (const int code = operation(); code != SQLITE_OK) return code;
  if (!options_.logs) return SQLITE_OK;
  Operation asked{kind, file, offset, {}};
  const auto* first = static_cast<const unsigned char*>(bytes);
  if (size > 0) asked.bytes.assign(first, first + size);
  log_.push_back(std::move(asked));
  return SQLITE_OK;
}

}  // namespace tapd::crash
