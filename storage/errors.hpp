// How trouble travels inside storage: as exceptions up to the ledger's edge, as values beyond it.
// Used by the ledger's parts only. Nothing here decides what to do about an error.
#pragma once

#include <stdexcept>
#include <string>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include "storage/ledger.hpp"

namespace tapd::storage {

/// A request that the ledger turns down because of what it asks or of how the row stands. Becomes
/// `Error::Kind::refused`.
class Refusal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A row that the schema's checks should have made impossible. Becomes `Error::Kind::corrupt`.
class BadRow : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What SQLite reported, with the file's name and what to do. `database` tells the system's errno.
[[nodiscard]] Error to_error(const SQLite::Exception& exception, const SQLite::Database& database,
                             const std::string& file);

/// Throws what is being handled as an OpenError: as it is when it is one, and as a damage when the
/// file holds values that the program cannot work with. What is the system's own passes.
[[noreturn]] void throw_as_open_error(const std::string& what, const std::string& advice = {});

/// The kind of an SQLite result code and the errno behind it (0: none).
[[nodiscard]] Error::Kind kind_of(int sqlite_code, int system_errno);

}  // namespace tapd::storage
