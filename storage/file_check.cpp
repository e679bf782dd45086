// Looking at a ledger's file from outside: who holds it, and whether its chain is whole.
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include "storage/block_guard.hpp"
#include "storage/chain_walk.hpp"
#include "storage/database_file.hpp"
#include "storage/errors.hpp"

namespace tapd::storage {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> trouble(Error::Kind kind, const fs::path& file, std::string_view what) {
  return tl::unexpected(Error{kind, fmt::format("{}: {}", file.string(), what)});
}

/// Another process holds one of the locks of SQLite's file format (bytes from 1 GiB on).
bool held_by_another(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  constexpr off_t first_lock_byte = 0x40000000;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = first_lock_byte;
  lock.l_len = 512;
  const bool held = ::fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(descriptor);
  return held;
}

/// A private folder that goes with its owner.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "tapd-verify-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::system_error{errno, std::generic_category(), name};
    }
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  Scratch(Scratch&&) = delete;
  Scratch& operator=(Scratch&&) = delete;
  [[nodiscard]] fs::path file() const { return path_ / "copy.db"; }

 private:
  fs::path path_;
};

Result<ChainSlice> walk(const fs::path& file, const fs::path& copy) {
  SQLite::Database database{copy.string(), SQLite::OPEN_READWRITE};
  if (database.execAndGet("PRAGMA application_id").getInt() != our_application_id) {
    return trouble(Error::Kind::refused, file, "it is not a ledger of tapd");
  }
  const ChainSlice slice = ChainWalk{database}.slice({}, static_cast<std::size_t>(INT64_MAX));
  if (slice.broken) return slice;
  const std::string state = database.execAndGet("PRAGMA quick_check(1)").getString();
  if (state != "ok") return trouble(Error::Kind::corrupt, file, "it is damaged: " + state);
  return slice;
}

}  // namespace

Result<ChainSlice> verify_file(const fs::path& file) {
  try {
    if (!fs::is_regular_file(file)) {
      return trouble(Error::Kind::io, file, "there is no such file");
    }
    if (held_by_another(file)) {
      return trouble(Error::Kind::refused, file,
                     "a running tapd holds it: ask that one (tapctl verify without --file)");
    }
    const Scratch scratch;
    fs::copy_file(file, scratch.file());
    const fs::path journal = file.string() + "-wal";
    if (fs::exists(journal)) fs::copy_file(journal, scratch.file().string() + "-wal");
    if (fs::exists(guard_of(file))) fs::copy_file(guard_of(file), guard_of(scratch.file()));
    put_back(*sqlite3_vfs_find(nullptr), scratch.file());
    return walk(file, scratch.file());
  } catch (const SQLite::Exception& exception) {
    return trouble(kind_of(exception.getErrorCode(), 0), file, exception.what());
  } catch (const std::system_error& error) {
    return trouble(Error::Kind::io, file, error.what());
  }
}

}  // namespace tapd::storage
