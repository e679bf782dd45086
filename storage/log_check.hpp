// Looks whether a write-ahead log is damaged in its middle. SQLite takes the first frame that does
// not add up for the end of the log, as it must after a power cut, and would drop every commit
// behind it without a word. Used before SQLite sees the file. Format:
// https://www.sqlite.org/fileformat2.html#walformat
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tapd::storage {

/// What is wrong, in words; nullopt when the log is whole, missing, or ends as a power cut may end
/// it: in one commit that was not complete. Damage of the newest commit alone looks the same.
[[nodiscard]] std::optional<std::string> fault_of_log(const std::filesystem::path& log);

}  // namespace tapd::storage
