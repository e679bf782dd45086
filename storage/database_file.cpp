#include "storage/database_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/ledger.hpp"
#include "storage/log_check.hpp"

namespace tapd::storage {
namespace {

// The file format's header (https://www.sqlite.org/fileformat.html, section 1.3).
constexpr std::size_t header_size = 100;
constexpr std::size_t application_id_offset = 68;
constexpr std::string_view magic{"SQLite format 3\0", 16};

using Header = std::array<unsigned char, header_size>;

/// A file descriptor that is closed at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_{number} {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool valid() const { return number_ >= 0; }

 private:
  int number_;
};

[[noreturn]] void refuse(Error::Kind kind, const std::filesystem::path& file,
                         std::string_view why) {
  throw OpenError{kind, fmt::format("cannot open the ledger {}: {}", file.string(), why)};
}

[[noreturn]] void refuse_errno(const std::filesystem::path& file, std::string_view what,
                               int number) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  refuse(full ? Error::Kind::full : Error::Kind::io, file,
         fmt::format("{}: {}; {}", what, std::generic_category().message(number),
                     full ? "free space on its file system"
                          : "give the user of tapd read and write permission, check the mount"));
}

// Written by two users in turn, a ledger ends with files that one of them cannot open.
void refuse_foreign_owner(const std::filesystem::path& file, int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) refuse_errno(file, "it cannot be looked at", errno);
  if (status.st_uid == ::geteuid()) return;
  refuse(Error::Kind::io, file,
         fmt::format("it belongs to the user with id {}, and this program runs as {}; it was left "
                     "as it is; start tapd as its owner, or give it the file with chown",
                     status.st_uid, ::geteuid()));
}

// The name of a new file survives a power cut only when its folder was synced.
void sync_folder(const std::filesystem::path& file, const std::filesystem::path& folder) {
  const Descriptor handle{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!handle.valid() || ::fsync(handle.number()) != 0) {
    refuse_errno(file, "its folder cannot be synced", errno);
  }
}

void create(const std::filesystem::path& file, const std::filesystem::path& folder) {
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
  const Descriptor handle{::open(file.c_str(), flags, S_IRUSR | S_IWUSR)};
  if (!handle.valid()) refuse_errno(file, "it cannot be created", errno);
  sync_folder(file, folder);
}

// How many bytes of the header there are.
std::size_t read_header(int descriptor, Header& header) {
  std::size_t have = 0;
  while (have < header.size()) {
    const ssize_t got = ::read(descriptor, header.data() + have, header.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  return have;
}

std::uint32_t application_id(const Header& header) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = (value << 8U) | header.at(application_id_offset + i);
  return value;
}

bool has_content(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  return !error && size > 0;
}

// A power cut may have spoilt the first page of a file whose journal still holds it; SQLite mends
// that, and the connection asks it the same questions afterwards.
bool can_be_mended(const std::filesystem::path& file, const Header& header) {
  const bool blank = std::all_of(header.begin(), header.end(), [](auto byte) { return byte == 0; });
  return has_content(file.string() + "-wal") || (blank && has_content(file.string() + "-journal"));
}

void check_header(const std::filesystem::path& file, int descriptor) {
  Header header{};
  const std::size_t size = read_header(descriptor, header);
  if (size == 0) return;  // Created, and the power went before anything was written.
  if (can_be_mended(file, header)) return;
  if (std::memcmp(header.data(), magic.data(), std::min(size, magic.size())) != 0) {
    refuse(Error::Kind::corrupt, file,
           "it is not an SQLite database; it was left as it is; name another file or restore a "
           "backup");
  }
  if (size < header.size()) {
    refuse(Error::Kind::corrupt, file,
           "it is cut off within its header; it was left as it is; restore a backup");
  }
  if (application_id(header) != static_cast<std::uint32_t>(our_application_id)) {
    refuse(Error::Kind::refused, file,
           fmt::format("it is a database of another program (application id {:#010x}); it was "
                       "left as it is; name another file",
                       application_id(header)));
  }
}

// SQLite would delete a journal that has lost its database, and the last pours with it.
void refuse_orphaned_journal(const std::filesystem::path& file) {
  const std::filesystem::path journal = file.string() + "-wal";
  if (has_content(journal)) {
    refuse(Error::Kind::corrupt, file,
           fmt::format("the file is missing or empty but its journal {} is there; restore the "
                       "database beside it, or move the journal away",
                       journal.string()));
  }
}

}  // namespace

void prepare_file(const std::filesystem::path& file) {
  const std::filesystem::path folder =
      file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    refuse(Error::Kind::io, file,
           fmt::format("the folder {} does not exist; create it or correct the path",
                       folder.string()));
  }
  const auto status = std::filesystem::status(file, error);
  const bool missing = status.type() == std::filesystem::file_type::not_found;
  if (missing || std::filesystem::is_empty(file, error)) refuse_orphaned_journal(file);
  if (missing) create(file, folder);

  const Descriptor handle{::open(file.c_str(), O_RDWR | O_CLOEXEC)};
  if (!handle.valid()) refuse_errno(file, "it cannot be opened for reading and writing", errno);
  if (!std::filesystem::is_regular_file(file, error)) {
    refuse(Error::Kind::io, file, "it is not a regular file; correct the path");
  }
  refuse_foreign_owner(file, handle.number());
  check_header(file, handle.number());
  if (const auto fault = fault_of_log(file.string() + "-wal")) {
    refuse(Error::Kind::corrupt, file, *fault + "; it was left as it is; restore a backup");
  }
}

std::string sqlite_uri(const std::filesystem::path& file, const std::string& parameters) {
  std::string escaped;
  for (const char c : file.string()) {
    if (c == '%' || c == '?' || c == '#') {
      escaped += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    } else {
      escaped += c;
    }
  }
  return "file:" + escaped + "?" + parameters;
}

}  // namespace tapd::storage
