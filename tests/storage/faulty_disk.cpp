#include "tests/storage/faulty_disk.hpp"

#include <new>

namespace tapd::test {
namespace {

/// Lies in memory that SQLite provides; the system's own file follows it there.
struct File {
  sqlite3_file base;  // First: SQLite knows this part only.
  FaultyDisk* disk;
  sqlite3_file* real;
};

File& mine(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return mine(file).real;
}
const sqlite3_io_methods& methods(sqlite3_file* file) {
  return *real(file)->pMethods;
}
FaultyDisk& disk_of(sqlite3_vfs* vfs) {
  return disk_behind<FaultyDisk>(vfs);
}

int close_file(sqlite3_file* file) {
  return methods(file).xClose(real(file));
}
int read_file(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
  if (mine(file).disk->read_fails()) return SQLITE_IOERR_READ;
  return methods(file).xRead(real(file), to, size, offset);
}
int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  if (const int code = mine(file).disk->operation(); code != SQLITE_OK) return code;
  mine(file).disk->written(size);
  return methods(file).xWrite(real(file), from, size, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (const int code = mine(file).disk->operation(); code != SQLITE_OK) return code;
  return methods(file).xTruncate(real(file), size);
}
int sync_file(sqlite3_file* file, int) {
  mine(file).disk->synced();
  return mine(file).disk->operation();
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return methods(file).xFileSize(real(file), size);
}
int lock_file(sqlite3_file* file, int level) {
  return methods(file).xLock(real(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return methods(file).xUnlock(real(file), level);
}
int check_lock(sqlite3_file* file, int* held) {
  return methods(file).xCheckReservedLock(real(file), held);
}
int control_file(sqlite3_file* file, int what, void* argument) {
  return methods(file).xFileControl(real(file), what, argument);
}
int sector_size(sqlite3_file* file) {
  return methods(file).xSectorSize(real(file));
}
int characteristics(sqlite3_file* file) {
  return methods(file).xDeviceCharacteristics(real(file));
}

// Version 1 has no shared memory: a WAL works only when the ledger locks exclusively first.
const sqlite3_io_methods file_methods{
    1,         close_file,  read_file,  write_file,   truncate_file, sync_file,       file_size,
    lock_file, unlock_file, check_lock, control_file, sector_size,   characteristics, nullptr,
    nullptr,   nullptr,     nullptr,    nullptr,      nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  FaultyDisk& disk = disk_of(vfs);
  auto* memory = reinterpret_cast<unsigned char*>(file) + sizeof(File);
  File& opened = *new (file) File{{nullptr}, &disk, reinterpret_cast<sqlite3_file*>(memory)};
  const int code = disk.system().xOpen(&disk.system(), name, opened.real, flags, out_flags);
  // SQLite calls xClose only when the methods are set.
  if (opened.real->pMethods != nullptr) opened.base.pMethods = &file_methods;
  return code;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int) {
  if (const int code = disk_of(vfs).operation(); code != SQLITE_OK) return code;
  return disk_of(vfs).system().xDelete(&disk_of(vfs).system(), name, 0);
}
int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  return disk_of(vfs).system().xAccess(&disk_of(vfs).system(), name, flags, result);
}
int full_name(sqlite3_vfs* vfs, const char* name, int size, char* to) {
  return disk_of(vfs).system().xFullPathname(&disk_of(vfs).system(), name, size, to);
}

}  // namespace

FaultyDisk::FaultyDisk()
    : FailingDisk{"faulty-disk", *sqlite3_vfs_find(nullptr),
                  sizeof(File) + static_cast<std::size_t>(sqlite3_vfs_find(nullptr)->szOsFile)},
      system_{sqlite3_vfs_find(nullptr)} {
  vfs().xOpen = open_file;
  vfs().xDelete = delete_file;
  vfs().xAccess = access_file;
  vfs().xFullPathname = full_name;
  offer();
}

}  // namespace tapd::test
