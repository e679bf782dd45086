#include "storage/medium_blocks.hpp"

#include <atomic>
#include <list>
#include <stdexcept>

#include <fmt/format.h>
#include <sqlite3.h>

namespace tapd::storage {
namespace {

template<int bytes>
int blocks_of(sqlite3_file* /*file*/) {
  return bytes;
}

using SectorSize = int (*)(sqlite3_file*);

SectorSize answer_for(int bytes) {
  if (bytes == narrow_blocks) return blocks_of<narrow_blocks>;
  if (bytes == wide_blocks) return blocks_of<wide_blocks>;
  throw std::runtime_error{fmt::format("there are no media with blocks of {} bytes", bytes)};
}

std::string next_name() {
  static std::atomic<std::uint64_t> count{0};
  return fmt::format("tapd-medium-{}", ++count);
}

}  // namespace

struct MediumBlocks::Vfs : sqlite3_vfs {
  std::string called;
  sqlite3_vfs* base{nullptr};
  SectorSize of_log{nullptr};
  // The base's functions for a file, with one exchanged: a set for each of the base's sets and each
  // answer.
  struct Exchanged {
    const sqlite3_io_methods* of;
    sqlite3_io_methods methods;
  };
  std::list<Exchanged> exchanged;

  const sqlite3_io_methods* exchange(const sqlite3_io_methods* of, SectorSize answer) {
    for (const Exchanged& known : exchanged) {
      if (known.of == of && known.methods.xSectorSize == answer) return &known.methods;
    }
    exchanged.push_back({of, *of});
    exchanged.back().methods.xSectorSize = answer;
    return &exchanged.back().methods;
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* got) {
    auto& self = *static_cast<Vfs*>(vfs);
    const int code = self.base->xOpen(self.base, name, file, flags, got);
    if (code == SQLITE_OK && file->pMethods != nullptr) {
      const bool log = (flags & SQLITE_OPEN_WAL) != 0;
      file->pMethods = self.exchange(file->pMethods, log ? self.of_log : blocks_of<narrow_blocks>);
    }
    return code;
  }
};

MediumBlocks::MediumBlocks(const std::optional<std::string>& base, int bytes)
    : vfs_{std::make_unique<Vfs>()} {
  sqlite3_vfs* const found = sqlite3_vfs_find(base ? base->c_str() : nullptr);
  if (found == nullptr) {
    throw std::runtime_error{fmt::format("SQLite has no VFS called {}", base.value_or("default"))};
  }
  static_cast<sqlite3_vfs&>(*vfs_) = *found;
  vfs_->base = found;
  vfs_->of_log = answer_for(bytes);
  vfs_->called = next_name();
  vfs_->zName = vfs_->called.c_str();
  vfs_->pNext = nullptr;
  vfs_->xOpen = Vfs::open;
  if (sqlite3_vfs_register(vfs_.get(), 0) != SQLITE_OK) {
    throw std::runtime_error{"SQLite takes no further VFS"};
  }
}

MediumBlocks::~MediumBlocks() {
  sqlite3_vfs_unregister(vfs_.get());
}

const std::string& MediumBlocks::name() const {
  return vfs_->called;
}

sqlite3_vfs& MediumBlocks::vfs() {
  return *vfs_;
}

}  // namespace tapd::storage
