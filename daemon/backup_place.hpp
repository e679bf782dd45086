// Whether a backup can be written where it is asked for, before SQLite is: that says of everything
// that it is "unable to open database file".
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tapd {

/// What is wrong with the place, and what to do; nullopt: a file can be made there.
[[nodiscard]] std::optional<std::string> why_no_backup(const std::filesystem::path& file);

}  // namespace tapd
