#include "storage/errors.hpp"

#include <cerrno>
#include <exception>
#include <new>
#include <system_error>

#include <fmt/format.h>
#include <sqlite3.h>

namespace tapd::storage {
namespace {

constexpr int primary_code_mask = 0xFF;

std::string_view advice(Error::Kind kind, int primary_code) {
  switch (kind) {
    case Error::Kind::refused:
      return "nothing was changed";
    case Error::Kind::full:
      return "free space on its file system";
    case Error::Kind::corrupt:
      return "keep the file for examination and restore a backup";
    case Error::Kind::io:
      return primary_code == SQLITE_BUSY || primary_code == SQLITE_LOCKED
                 ? "another process holds it: end that process (one tapd per file)"
                 : "check the medium, the mount and the permissions";
  }
  return "";
}

}  // namespace

Error::Kind kind_of(int sqlite_code, int system_errno) {
  switch (sqlite_code & primary_code_mask) {
    case SQLITE_FULL:
      return Error::Kind::full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error::Kind::corrupt;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return Error::Kind::refused;
    case SQLITE_IOERR: {
      // SQLite says "full" for ENOSPC alone; a quota or a size limit is the same trouble.
      const bool no_room =
          system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG;
      return no_room ? Error::Kind::full : Error::Kind::io;
    }
    default:
      return Error::Kind::io;
  }
}

void throw_as_open_error(const std::string& what, const std::string& advice) {
  const auto said = [&](const std::exception& error) {
    return fmt::format("{}: {}{}", what, error.what(), advice);
  };
  try {
    throw;
  } catch (const OpenError&) {
    throw;
  } catch (const SQLite::Exception& error) {
    throw OpenError{kind_of(error.getErrorCode(), 0), said(error)};
  } catch (const std::system_error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw OpenError{Error::Kind::corrupt, said(error)};
  }
}

Error to_error(const SQLite::Exception& exception, const SQLite::Database& database,
               const std::string& file) {
  // SQLite remembers no errno for a COMMIT that failed; then the thread's own is the freshest there
  // is. It decides only between two words for an I/O error.
  const int thread_errno = errno;
  const int remembered = sqlite3_system_errno(database.getHandle());
  const int code = exception.getErrorCode();
  const Error::Kind kind = kind_of(code, remembered != 0 ? remembered : thread_errno);
  const std::string_view what_to_do = advice(kind, code & primary_code_mask);
  return Error{kind, fmt::format("{}: {} (SQLite {}); {}", file, exception.what(),
                                 exception.getExtendedErrorCode(), what_to_do)};
}

}  // namespace tapd::storage
