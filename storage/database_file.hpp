// The file before SQLite sees it: whether it may be opened at all. A database of another program, a
// text file or a journal without its database is refused here, untouched. Only for files on the
// system's file system; a registered VFS answers for its own.
#pragma once

#include <filesystem>
#include <string>

namespace tapd::storage {

/// Written into every file of ours (`PRAGMA application_id`, bytes 68 to 71): "tapd".
inline constexpr int our_application_id = 0x74617064;

/// Creates the file (mode 0600, its folder's entry synced) when there is none, and reads the header
/// of one that is there. Throws OpenError saying what is wrong, where, and what to do.
void prepare_file(const std::filesystem::path& file);

/// "file:", the path with what a URI gives a meaning escaped, "?" and the parameters.
[[nodiscard]] std::string sqlite_uri(const std::filesystem::path& file,
                                     const std::string& parameters);

}  // namespace tapd::storage
